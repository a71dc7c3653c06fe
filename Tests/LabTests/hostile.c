// Writes frames with hostile offload metadata into a TAP, as a malicious guest would.
//
//     hostile NAME COUNT SEED VICTIM-MAC SOURCE-IPV4 DESTINATION-IPV4
//
// The TAP NAME is made (the caller joins it to a bridge); a line "ready" is printed and a line is
// awaited on standard input before the first frame. Most frames are a plausible packet with one or
// two things wrong: the kernel lets about a quarter of them pass. Prints "written N accepted N".
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

enum { ETHERNET = 14, LARGEST = 65536 };

static uint64_t state;

/// A number from 0 to bound - 1 (splitmix64).
static uint32_t below(uint32_t bound) {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) >> 16) % bound;
}
static int one_in(uint32_t n) { return below(n) == 0; }
static void put16(uint8_t *at, unsigned value) { at[0] = value >> 8, at[1] = value; }

static void header_sum(uint8_t *ip) {
    uint32_t sum = 0;
    put16(ip + 10, 0);
    for (int i = 0; i < 20; i += 2) sum += ip[i] << 8 | ip[i + 1];
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    put16(ip + 10, ~sum);
}

static struct {
    struct virtio_net_hdr meta;
    uint8_t frame[LARGEST + 64];
} __attribute__((packed)) out;

static uint8_t victim[6];
static struct in_addr source, destination;

/// Fills `out`; returns the octets of the frame.
static int make(void) {
    static const uint8_t kinds[] = {0, 1, 1, 1, 3, 4, 5, 0x80, 0x81};
    uint8_t *f = out.frame, *ip = f + ETHERNET, *segment = ip + 20;
    const int length = ETHERNET + 40 + (int)(one_in(4) ? below(65000) : below(3000));
    const int protocol = one_in(4) ? (one_in(2) ? 17 : (int)below(256)) : 6;
    for (int i = 0; i < 96; i++) f[i] = below(256);
    memcpy(f, victim, 6);
    if (one_in(3)) memset(f, 0xff, 6);
    memcpy(f + 6, (uint8_t[]){2, 0, 0, 0, 0xee, 1}, 6);
    put16(f + 12, one_in(50) ? below(65536) : 0x0800);
    ip[0] = one_in(20) ? below(256) : 0x45;
    put16(ip + 2, one_in(10) ? below(65536) : (unsigned)(length - ETHERNET));
    put16(ip + 6, one_in(20) ? below(65536) : 0);
    ip[8] = one_in(10) ? below(3) : 64;
    ip[9] = protocol;
    memcpy(ip + 12, &source, 4);
    if (one_in(3)) ip[15] = below(256);
    memcpy(ip + 16, &destination, 4);
    if (one_in(3)) ip[19] = below(256);
    if (!one_in(30)) header_sum(ip);
    if (protocol == 6 && !one_in(3)) segment[12] = 0x50;
    if (protocol == 17 && !one_in(3)) put16(segment + 4, length - ETHERNET - 20);

    out.meta.gso_type = one_in(30) ? below(256) : kinds[below(sizeof kinds)];
    out.meta.flags = one_in(4) ? below(256) : VIRTIO_NET_HDR_F_NEEDS_CSUM;
    out.meta.gso_size = one_in(3) ? (one_in(4) ? below(65536) : below(8)) : 1 + below(1500);
    out.meta.hdr_len = one_in(2) ? below(65536) : ETHERNET + 40;
    out.meta.csum_start = one_in(3) ? below(200) : ETHERNET + 20;
    out.meta.csum_offset = one_in(3) ? below(100) : protocol == 6 ? 16 : 6;
    return one_in(40) ? (int)below(60) : length;
}

int main(int count, char **words) {
    if (count != 7 || sscanf(words[4], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", victim, victim + 1, victim + 2,
                             victim + 3, victim + 4, victim + 5) != 6 ||
        !inet_aton(words[5], &source) || !inet_aton(words[6], &destination))
        return 64;
    const long frames = atol(words[2]);
    state = strtoull(words[3], 0, 10);
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    snprintf(request.ifr_name, IFNAMSIZ, "%s", words[1]);
    const int tap = open("/dev/net/tun", O_RDWR);
    const unsigned offload =
        TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6;
    if (tap < 0 || ioctl(tap, TUNSETIFF, &request) || ioctl(tap, TUNSETOFFLOAD, offload)) {
        perror(words[1]);
        return 1;
    }
    puts("ready");
    fflush(stdout);
    if (getchar() == EOF) return 1;
    long accepted = 0;
    for (long i = 0; i < frames; i++) {
        const int length = make();
        accepted += write(tap, &out, sizeof out.meta + length) > 0;
        // What the bridge or the gateway sent back must not fill the queue of this TAP.
        if (i % 4096 == 0) usleep(100);
    }
    printf("written %ld accepted %ld\n", frames, accepted);
    return 0;
}
