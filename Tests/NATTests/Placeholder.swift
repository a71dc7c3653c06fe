// NAT
