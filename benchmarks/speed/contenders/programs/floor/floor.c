/* The floor: what a relay costs that does nothing but carry bytes.
 *
 * One epoll loop ends both WebSockets of each call and copies the base64 text of the audio from one message into the
 * envelope of the other. Nothing is checked: no signature, no JSON beyond finding a key. It answers the webhook, asks
 * for the signed URL and dials the engine, so that the benchmark can play calls to it as to the others. Messages in
 * several frames and TLS are not for it.
 *
 *     floor PORT
 */

#define _GNU_SOURCE
#include <errno.h>

#include "connection.h"

static void serve(struct conn *c);

/* What a key of JSON text has for a value, without its quotes; NULL where there is none. */
static unsigned char *value(unsigned char *text, size_t size, const char *key, size_t *length) {
    unsigned char *end = text + size, *at = memmem(text, size, key, strlen(key));
    if (!at) return NULL;
    at += strlen(key);
    while (at < end && (*at == ' ' || *at == ':' || *at == '"')) at++;
    unsigned char *from = at;
    while (at < end && *at != '"' && *at != ',' && *at != '}') at++;
    *length = at - from;
    return from;
}

static void join(struct conn *twilio, struct conn *other) {
    if (!other) return hang_up(twilio);
    other->peer = twilio;
    twilio->peer = other;
}

static void on_start(struct conn *c, struct frame f) {
    size_t length;
    struct target target;
    unsigned char *sid = value(f.body, f.size, "\"streamSid\"", &length);
    if (!sid || length >= sizeof c->stream_sid) return hang_up(c);
    memcpy(c->stream_sid, sid, length);
    sprintf(c->envelope, "{\"event\":\"media\",\"streamSid\":\"%s\",\"media\":{\"payload\":\"", c->stream_sid);
    join(c, dial(getenv("ELEVENLABS_BASE_URL"), API, &target));
    if (c->over) return;
    want(c, 0);
    const char *route = "/v1/convai/conversation/get-signed-url?agent_id=";
    say_text(c->peer, "GET %s%s%s HTTP/1.1\r\nHost: %s\r\nxi-api-key: %s\r\n\r\n", target.path, route,
             getenv("SPEECH_ENGINE_ID"), target.host, getenv("ELEVENLABS_API_KEY"));
}

static void from_twilio(struct conn *c, struct frame f) {
    size_t length;
    unsigned char *payload = value(f.body, f.size, "\"payload\"", &length);
    if (payload && c->peer) say_message(c->peer, "{\"user_audio_chunk\":\"", payload, length, "\"}");
    else if (!payload && !c->peer && memmem(f.body, f.size, "\"start\"", 7)) on_start(c, f);
    else if (!payload && memmem(f.body, f.size, "\"stop\"", 6)) hang_up(c);
}

static void from_engine(struct conn *c, struct frame f) {
    size_t length;
    unsigned char *found;
    struct conn *twilio = c->peer;
    if ((found = value(f.body, f.size, "\"audio_base_64\"", &length)))
        say_message(twilio, twilio->envelope, found, length, "\"}}");
    else if (memmem(f.body, f.size, "\"ping_event\"", 12) && (found = value(f.body, f.size, "\"event_id\"", &length)))
        say_message(c, "{\"type\":\"pong\",\"event_id\":", found, length, "}");
    else if (memmem(f.body, f.size, "\"interruption_event\"", 20))
        say_message(twilio, "{\"event\":\"clear\",\"streamSid\":\"", twilio->stream_sid, strlen(twilio->stream_sid), "\"}");
}

static void serve_frames(struct conn *c) {
    struct frame f;
    uint64_t length;
    size_t used = 0;
    while (!c->over && (c->kind == ENGINE || !c->peer || c->peer->kind == ENGINE) &&
           (length = read_frame(c->in.data + used, c->in.size - used, &f))) {
        used += length;
        if (f.size > LARGEST || f.opcode == CLOSE) return hang_up(c);
        if (f.opcode == TEXT) c->kind == ENGINE ? from_engine(c, f) : from_twilio(c, f);
        if (f.opcode == PING) {
            memcpy(message, f.body, f.size);
            say_frame(c, PONG, f.size);
        }
    }
    if (used) drop(&c->in, used);
}

static void answer_webhook(struct conn *c) {
    char twiml[512];
    const char *host = strstr(getenv("PUBLIC_URL"), "://") + 3;
    snprintf(twiml, sizeof twiml,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect>"
             "<Stream url=\"wss://%.*s/media-stream\"/></Connect></Response>",
             (int)strcspn(host, "/"), host);
    say_text(c, "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %zu\r\n\r\n%s", strlen(twiml), twiml);
}

static void answer_upgrade(struct conn *c, const char *head) {
    char key[25] = "", accepted[29];
    const char *at = strcasestr(head, "\r\nSec-WebSocket-Key:");
    if (!at || sscanf(at + 20, " %24s", key) != 1) return hang_up(c);
    accept_key(key, accepted);
    say_text(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Accept: %s\r\n\r\n", accepted);
    c->kind = TWILIO;
}

static void serve_request(struct conn *c) {
    const char *head = (char *)c->in.data, *length = strcasestr(head, "\r\nContent-Length:");
    char *end = strstr(head, "\r\n\r\n");
    if (!end) return;
    size_t size = end + 4 - head + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
    if (c->in.size < size) return;
    if (!strncmp(head, "POST", 4)) answer_webhook(c);
    else answer_upgrade(c, head);
    drop(&c->in, size);
    if (c->in.size && !c->over) serve(c);
}

/* The API's answer: the engine is dialled. */
static void serve_signed_url(struct conn *c) {
    size_t length;
    struct target target;
    struct conn *twilio = c->peer;
    unsigned char *url = value(c->in.data, c->in.size, "\"signed_url\"", &length);
    if (!url || url[length] != '"') return;
    url[length] = 0;
    join(twilio, dial((char *)url, UPGRADING, &target));
    if (!twilio->over)
        say_text(twilio->peer,
                 "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                 target.path, target.host);
    c->peer = NULL;
    hang_up(c);
}

static void serve_upgraded(struct conn *c) {
    char *end = strstr((char *)c->in.data, "\r\n\r\n");
    if (!end) return;
    if (strncmp((char *)c->in.data, "HTTP/1.1 101", 12)) return hang_up(c);
    drop(&c->in, end + 4 - (char *)c->in.data);
    c->kind = ENGINE;
    say_message(c, "{\"type\":\"conversation_initiation_client_data\"", "", 0, "}");
    want(c->peer, EPOLLIN);
    serve(c->peer);
    if (!c->over) serve(c);
}

static void serve(struct conn *c) {
    append(&c->in, "", 1); /* so that what has come is a string, too */
    c->in.size--;
    switch (c->kind) {
    case HTTP: return serve_request(c);
    case API: return serve_signed_url(c);
    case UPGRADING: return serve_upgraded(c);
    default: return serve_frames(c);
    }
}

static void on_readable(struct conn *c) {
    static unsigned char chunk[65536];
    ssize_t size = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return hang_up(c);
    append(&c->in, chunk, size);
    serve(c);
}

static void on_writable(struct conn *c) {
    ssize_t sent = send(c->fd, c->out.data, c->out.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) drop(&c->out, sent);
    if (!c->out.size) want(c, c->events & ~EPOLLOUT);
}

static void on_event(struct conn *c, uint32_t events) {
    if (c->kind == LISTENER) {
        int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) new_conn(fd, HTTP);
        return;
    }
    if (!c->over && events & EPOLLOUT) on_writable(c);
    if (!c->over && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) on_readable(c);
}

int main(int argc, char **argv) {
    struct epoll_event ready[256];
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    here.sin_port = htons((uint16_t)atoi(argc > 1 ? argv[1] : "3001"));
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&here, sizeof here) || listen(listener, 1024)) return perror("floor"), 1;
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    new_conn(listener, LISTENER);
    for (;;) {
        int count = epoll_wait(poll_fd, ready, 256, -1);
        for (int i = 0; i < count; i++) on_event(ready[i].data.ptr, ready[i].events);
        while (ended) { /* only now, as a later event may have been of one of them */
            struct conn *c = ended;
            ended = c->next;
            free(c->in.data);
            free(c->out.data);
            free(c);
        }
    }
}
