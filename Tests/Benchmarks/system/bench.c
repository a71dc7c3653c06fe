// Helpers of the system benchmark, one binary.
//
//     bench copy NETNS/TAP NETNS/TAP    moves frames between two TAPs, virtio-net headers and all:
//                                       up to 64 reads, then their writes in one io_uring_enter
//     bench echo PORT                   answers UDP datagrams
//     bench rtt ADDRESS PORT SECONDS    one datagram under way at a time; prints p50 and p99 in us
//     bench sink PORT                   counts datagrams; prints the count on SIGTERM
//     bench send DEVICE GATEWAY-HARDWARE FROM HOSTS TO PORT FLOWS SECONDS RATE    64-octet datagrams, so
//                                       many a second or, if that is 0, as fast as they go, one flow
//                                       after the other. After 62,500 flows to TO come those to the
//                                       address behind it
//     bench accept PORT                 accepts TCP connections and closes each at once
//     bench connect FROM HOSTS ADDRESS PORT SECONDS    opens them, 64 under way at a time; prints
//                                       how many a second
//
// FROM is the first of HOSTS addresses, which take turns.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static void fail(const char *what) {
    perror(what);
    exit(1);
}
static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/// A TAP of another namespace, with every offload that the gateway asks for.
static int tap(char *place) {
    char *name = strchr(place, '/'), path[128];
    if (!name) exit(64);
    *name++ = 0;
    snprintf(path, sizeof path, "/run/netns/%s", place);
    const int home = open("/proc/self/ns/net", O_RDONLY), there = open(path, O_RDONLY);
    if (there < 0 || setns(there, CLONE_NEWNET)) fail(path);
    const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
    const unsigned offload =
        TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6;
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) || ioctl(fd, TUNSETOFFLOAD, offload)) fail(name);
    if (setns(home, CLONE_NEWNET)) fail("setns");
    close(home), close(there);
    return fd;
}

/// The best bare copy found: frames are read until there are none, and written in one call.
static int copy(char **words) {
    enum { batch = 64, room = 65536 + 64 };
    static char frames[batch][room];
    struct pollfd ends[2] = {{tap(words[0]), POLLIN, 0}, {tap(words[1]), POLLIN, 0}};
    struct io_uring ring;
    if (io_uring_queue_init(batch, &ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)) fail("io_uring");
    for (;;) {
        if (poll(ends, 2, -1) < 0) return 1;
        for (int from = 0; from < 2; from++) {
            unsigned count = 0;
            for (; count < batch; count++) {
                const ssize_t size = read(ends[from].fd, frames[count], room);
                if (size <= 0) break;
                io_uring_prep_write(io_uring_get_sqe(&ring), ends[!from].fd, frames[count], (unsigned)size, 0);
            }
            if (count == 0) continue;
            if (io_uring_submit_and_wait(&ring, count) < 0) fail("io_uring_enter");
            struct io_uring_cqe *done;
            for (; count > 0 && !io_uring_peek_cqe(&ring, &done); count--) {
                if (done->res == -EBADFD) return 1;
                io_uring_cqe_seen(&ring, done);
            }
        }
    }
}

static struct sockaddr_in address(const char *host, const char *port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (host) inet_aton(host, &a.sin_addr);
    return a;
}
static int datagrams(const struct sockaddr_in *bound, const struct sockaddr_in *to) {
    const int s = socket(AF_INET, SOCK_DGRAM, 0), room = 8 << 20;
    setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    if (bound && bind(s, (const struct sockaddr *)bound, sizeof *bound)) fail("bind");
    if (to && connect(s, (const struct sockaddr *)to, sizeof *to)) fail("connect");
    return s;
}

static int echo(char **words) {
    const struct sockaddr_in here = address(0, words[0]);
    const int s = datagrams(&here, 0), one = 1;
    // What it came to is in what comes with it, and the answer leaves from there.
    if (setsockopt(s, IPPROTO_IP, IP_PKTINFO, &one, sizeof one)) fail("IP_PKTINFO");
    char data[2048], more[128];
    while (s >= 0) {
        struct sockaddr_in from;
        struct iovec part = {data, sizeof data};
        struct msghdr head = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1,
                              .msg_control = more, .msg_controllen = sizeof more};
        const ssize_t size = recvmsg(s, &head, 0);
        if (size < 0) continue;
        part.iov_len = (size_t)size;
        sendmsg(s, &head, 0);
    }
    return 1;
}

static int ascending(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}
static int rtt(char **words) {
    enum { most = 1 << 20 };
    static uint32_t taken[most];
    const struct sockaddr_in to = address(words[0], words[1]);
    const int s = datagrams(0, &to);
    const struct timeval patience = {0, 200000};
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const uint64_t end = now() + (uint64_t)(atof(words[2]) * 1e9);
    uint32_t count = 0, lost = 0, number = 0, back;
    while (now() < end && count < most) {
        const uint64_t begin = now();
        number++;
        if (send(s, &number, sizeof number, 0) < 0) lost++;
        else if (recv(s, &back, sizeof back, 0) < 0) lost++;
        else if (back == number) taken[count++] = (uint32_t)(now() - begin);
    }
    if (!count) return 1;
    qsort(taken, count, sizeof *taken, ascending);
    printf("%.1f %.1f %u\n", taken[count / 2] / 1e3, taken[(uint64_t)count * 99 / 100] / 1e3, lost);
    return 0;
}

static volatile sig_atomic_t ended;
static void on_end(int number) { (void)number, ended = 1; }
static int sink(char **words) {
    enum { batch = 64 };
    const struct sockaddr_in here = address(0, words[0]);
    const int s = datagrams(&here, 0);
    static char data[batch][128];
    struct mmsghdr heads[batch] = {0};
    struct iovec parts[batch];
    for (int i = 0; i < batch; i++) {
        parts[i] = (struct iovec){data[i], sizeof data[i]};
        heads[i].msg_hdr.msg_iov = &parts[i], heads[i].msg_hdr.msg_iovlen = 1;
    }
    const struct sigaction action = {.sa_handler = on_end};
    sigaction(SIGTERM, &action, 0);
    uint64_t count = 0;
    while (!ended) {
        const int got = recvmmsg(s, heads, batch, MSG_WAITFORONE, 0);
        if (got > 0) count += (uint64_t)got;
    }
    printf("%llu\n", (unsigned long long)count);
    return 0;
}

static uint16_t checksum(const uint8_t *data, size_t size, uint32_t sum) {
    for (size_t i = 0; i < size; i += 2) sum += (uint32_t)(data[i] << 8 | data[i + 1]);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put16(uint8_t *place, uint16_t value) { place[0] = (uint8_t)(value >> 8), place[1] = (uint8_t)value; }
static void put32(uint8_t *place, uint32_t value) { put16(place, (uint16_t)(value >> 16)), put16(place + 2, (uint16_t)value); }

/// One of `hosts` addresses from `first` on.
static struct sockaddr_in one_of(const char *first, const char *hosts, uint64_t number) {
    struct sockaddr_in a = address(first, "0");
    a.sin_addr.s_addr = htonl(ntohl(a.sin_addr.s_addr) + (uint32_t)(number % (uint64_t)atoi(hosts)));
    return a;
}

/// Datagrams of 64 octets with their headers, the next one always of the next flow and host. They
/// leave as frames, since no process may have 50,000 sockets everywhere.
static int flood(char **words) {
    enum { batch = 32, size = 14 + 64, first = 1024, each = 62500 };
    const struct sockaddr_ll device = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = (int)if_nametoindex(words[0])};
    const int s = socket(AF_PACKET, SOCK_RAW, 0), flows = atoi(words[6]), hosts = atoi(words[3]);
    if (hosts < 1) return 64;
    if (s < 0 || bind(s, (const struct sockaddr *)&device, sizeof device)) fail(words[0]);
    struct ifreq own = {0};
    snprintf(own.ifr_name, IFNAMSIZ, "%s", words[0]);
    if (ioctl(s, SIOCGIFHWADDR, &own)) fail(words[0]);
    static uint8_t frames[batch][size];
    struct mmsghdr heads[batch] = {0};
    struct iovec parts[batch];
    const struct sockaddr_in from = address(words[2], "0"), to = address(words[4], words[5]);
    for (int i = 0; i < batch; i++) {
        uint8_t *f = frames[i], *udp = f + 14 + 20;
        if (sscanf(words[1], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", f, f + 1, f + 2, f + 3, f + 4, f + 5) != 6) return 64;
        memcpy(f + 6, own.ifr_hwaddr.sa_data, 6);
        memcpy(f + 12, (uint8_t[]){8, 0, 0x45, 0, 0, 64, 0, 0, 0x40, 0, 64, 17}, 12);
        memcpy(udp + 2, &to.sin_port, 2);
        udp[5] = 44;
        parts[i] = (struct iovec){f, size};
        heads[i].msg_hdr.msg_iov = &parts[i], heads[i].msg_hdr.msg_iovlen = 1;
    }
    const uint64_t begin = now(), end = begin + (uint64_t)(atof(words[7]) * 1e9), rate = (uint64_t)atoll(words[8]);
    uint64_t sent = 0;
    for (int flow = 0; now() < end;) {
        if (sent * 1000000000 > (now() - begin) * rate && rate) {
            usleep(50);
            continue;
        }
        for (int i = 0; i < batch; i++, flow = (flow + 1) % flows) {
            uint8_t *ip = frames[i] + 14, *udp = ip + 20;
            put32(ip + 12, ntohl(from.sin_addr.s_addr) + (uint32_t)(flow % each % hosts));
            put32(ip + 16, ntohl(to.sin_addr.s_addr) + (uint32_t)(flow / each));
            put16(ip + 10, 0), put16(ip + 10, checksum(ip, 20, 0));
            put16(udp, (uint16_t)(first + flow % each));
            // The addresses are in the pseudo-header, with the protocol and the length.
            put16(udp + 6, 0), put16(udp + 6, checksum(ip + 12, 52, 17 + 44));
        }
        const int count = sendmmsg(s, heads, batch, 0);
        if (count > 0) sent += (uint64_t)count;
    }
    return 0;
}

static int accepting(char **words) {
    const struct sockaddr_in here = address(0, words[0]);
    const int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(s, (const struct sockaddr *)&here, sizeof here) || listen(s, 4096)) fail("listen");
    while (s >= 0) {
        const int c = accept(s, 0, 0);
        if (c >= 0) close(c);
    }
    return 1;
}

/// A connection counts when the server has closed it: both ways have been used.
static int opening(char **words) {
    enum { under_way = 64 };
    const struct sockaddr_in to = address(words[2], words[3]);
    const int poller = epoll_create1(0), one = 1;
    const uint64_t begin = now(), end = begin + (uint64_t)(atof(words[4]) * 1e9);
    uint64_t opened = 0, done = 0;
    for (int open = 0; now() < end;) {
        for (; open < under_way; open++, opened++) {
            const struct sockaddr_in from = one_of(words[0], words[1], opened);
            const int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            struct epoll_event event = {.events = EPOLLRDHUP, .data.fd = s};
            // The port is chosen at the connection, when its other end is known.
            if (s < 0 || setsockopt(s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one) ||
                bind(s, (const struct sockaddr *)&from, sizeof from)) fail("bind");
            if (connect(s, (const struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) fail("connect");
            epoll_ctl(poller, EPOLL_CTL_ADD, s, &event);
        }
        struct epoll_event events[under_way];
        const int count = epoll_wait(poller, events, under_way, 20);
        for (int i = 0; i < count; i++, open--) {
            char data;
            done += read(events[i].data.fd, &data, 1) == 0;
            close(events[i].data.fd);
        }
    }
    printf("%.0f\n", (double)done * 1e9 / (double)(now() - begin));
    return 0;
}

int main(int count, char **words) {
    static const struct {
        const char *name;
        int (*run)(char **);
        int words;
    } tools[] = {{"copy", copy, 2}, {"echo", echo, 1}, {"rtt", rtt, 3}, {"sink", sink, 1}, {"send", flood, 9},
                 {"accept", accepting, 1}, {"connect", opening, 5}};
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
        if (count == tools[i].words + 2 && !strcmp(words[1], tools[i].name)) return tools[i].run(words + 2);
    fputs("usage: see the head of bench.c\n", stderr);
    return 64;
}
