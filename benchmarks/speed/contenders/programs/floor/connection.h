/* Connections of one epoll loop: opened, written to, hung up. What could not be written yet is kept. */

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "websocket.h"

#define LARGEST (1 << 20) /* of a message, in bytes */

enum kind { LISTENER, HTTP, TWILIO, API, UPGRADING, ENGINE };

struct bytes {
    unsigned char *data;
    size_t size, room;
};

/* A connection. Its `peer` is the call's other one; a Twilio leg is not read while its peer is no ENGINE yet. */
struct conn {
    int fd;
    enum kind kind;
    bool over;
    uint32_t events;
    struct conn *peer, *next;
    struct bytes in, out;
    char stream_sid[64], envelope[160];
};

static int poll_fd;
static struct conn *ended;
static unsigned char scratch[LARGEST + 512];
static unsigned char *const message = scratch + ROOM;

static void want(struct conn *c, uint32_t events) {
    if (c->events == events) return;
    c->events = events;
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, c->fd, &(struct epoll_event){.events = events, .data.ptr = c});
}

static struct conn *new_conn(int fd, enum kind kind) {
    struct conn *c = calloc(1, sizeof *c);
    *c = (struct conn){.fd = fd, .kind = kind, .events = EPOLLIN};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = c});
    return c;
}

static void append(struct bytes *to, const void *data, size_t size) {
    if (to->size + size > to->room) to->data = realloc(to->data, to->room = 2 * (to->size + size));
    memcpy(to->data + to->size, data, size);
    to->size += size;
}

static void drop(struct bytes *from, size_t size) {
    from->size -= size;
    memmove(from->data, from->data + size, from->size);
}

static void say(struct conn *c, const void *data, size_t size) {
    ssize_t sent = c->out.size ? 0 : send(c->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) sent = 0; /* a broken connection is seen by its reader */
    if ((size_t)sent == size) return;
    append(&c->out, (const char *)data + sent, size - sent);
    want(c, c->events | EPOLLOUT);
}

static void say_text(struct conn *c, const char *format, ...) {
    char text[2048];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    say(c, text, strlen(text));
}

static void say_frame(struct conn *c, int opcode, size_t size) {
    unsigned char *from = wrap_frame(opcode, message, size, c->kind == ENGINE);
    say(c, from, message + size - from);
}

/* One message: the payload between two pieces of text. */
static void say_message(struct conn *c, const char *before, const void *payload, size_t size, const char *after) {
    size_t head = strlen(before), tail = strlen(after);
    memcpy(message, before, head);
    memcpy(message + head, payload, size);
    memcpy(message + head + size, after, tail);
    say_frame(c, TEXT, head + size + tail);
}

static void hang_up(struct conn *c) {
    if (c == NULL || c->over) return;
    if (c->kind == TWILIO || c->kind == ENGINE) {
        memcpy(message, "\x03\xe8", 2); /* 1000 */
        say_frame(c, CLOSE, 2);
    }
    c->over = true;
    close(c->fd);
    c->next = ended;
    ended = c;
    if (c->peer) c->peer->peer = NULL;
    hang_up(c->peer);
}

struct target {
    char host[160]; /* with its port, as a Host header has it */
    const char *path;
};

/* Opens the connection for a URL with a port. NULL where nobody answers. */
static struct conn *dial(const char *url, enum kind kind, struct target *target) {
    char host[128], port[8];
    int length = 0;
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM};
    if (sscanf(url, "%*[a-z]://%127[^:/]:%7[0-9]%n", host, port, &length) != 2) return NULL;
    if (getaddrinfo(host, port, &hints, &found)) return NULL;
    snprintf(target->host, sizeof target->host, "%s:%s", host, port);
    target->path = url + length;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int refused = connect(fd, found->ai_addr, found->ai_addrlen); /* over loopback nothing is waited for */
    freeaddrinfo(found);
    if (!refused) return new_conn(fd, kind);
    close(fd);
    return NULL;
}
