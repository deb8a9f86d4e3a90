/* As much of RFC 6455 as a relay of whole text frames needs: the answer to an upgrade, frames in, frames out. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ROOM 14 /* the longest header of a frame */

enum { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10 };

struct frame {
    int opcode;
    unsigned char *body;
    uint64_t size;
};

static inline uint32_t turned(uint32_t word, int by) { return word << by | word >> (32 - by); }

/* SHA-1 (RFC 3174) of a text shorter than 120 bytes. */
static void sha1(const char *text, unsigned char digest[20]) {
    unsigned char blocks[128] = {0};
    size_t length = strlen(text), end = length < 56 ? 64 : 128;
    memcpy(blocks, text, length);
    blocks[length] = 0x80;
    blocks[end - 2] = (unsigned char)(length * 8 >> 8);
    blocks[end - 1] = (unsigned char)(length * 8);
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}, w[80];
    for (unsigned char *block = blocks; block < blocks + end; block += 64) {
        for (int t = 0; t < 16; t++)
            w[t] = (uint32_t)block[4 * t] << 24 | block[4 * t + 1] << 16 | block[4 * t + 2] << 8 | block[4 * t + 3];
        for (int t = 16; t < 80; t++) w[t] = turned(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
        uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int t = 0; t < 80; t++) {
            uint32_t f = t < 20   ? ((b & c) | (~b & d)) + 0x5A827999
                         : t < 40 ? (b ^ c ^ d) + 0x6ED9EBA1
                         : t < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC
                                  : (b ^ c ^ d) + 0xCA62C1D6;
            uint32_t next = turned(a, 5) + f + e + w[t];
            e = d, d = c, c = turned(b, 30), b = a, a = next;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    for (int i = 0; i < 20; i++) digest[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key, RFC 6455 section 4.2.2. */
static void accept_key(const char *key, char accepted[29]) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[64];
    unsigned char digest[21] = {0};
    strcpy(text, key);
    strcat(text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    sha1(text, digest);
    for (int i = 0; i < 7; i++) {
        uint32_t three = (uint32_t)digest[3 * i] << 16 | digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (int j = 0; j < 4; j++) accepted[4 * i + j] = digits[three >> (18 - 6 * j) & 63];
    }
    accepted[27] = '='; /* 20 bytes leave one over */
    accepted[28] = 0;
}

static void mask(unsigned char *body, uint64_t size, const unsigned char key[4]) {
    uint64_t wide, at = 0;
    memcpy(&wide, key, 4);
    memcpy((char *)&wide + 4, key, 4);
    for (; at + 8 <= size; at += 8) {
        uint64_t word;
        memcpy(&word, body + at, 8);
        word ^= wide;
        memcpy(body + at, &word, 8);
    }
    for (; at < size; at++) body[at] ^= key[at % 4];
}

/* The next frame, unmasked where it lies. Gives its length on the wire, 0 while it has not come whole. */
static uint64_t read_frame(unsigned char *from, uint64_t length, struct frame *frame) {
    if (length < 2) return 0;
    uint64_t header = 2, size = from[1] & 127;
    if (size >= 126) {
        header += size == 126 ? 2 : 8;
        if (length < header) return 0;
        size = 0;
        for (uint64_t at = 2; at < header; at++) size = size << 8 | from[at];
    }
    bool masked = from[1] & 128;
    unsigned char *key = from + header;
    header += masked ? 4 : 0;
    if (length < header || length - header < size) return 0;
    if (masked) mask(from + header, size, key);
    *frame = (struct frame){from[0] & 15, from + header, size};
    return header + size;
}

/* Puts a header before `body`, which has ROOM bytes before it. Gives where the frame begins. */
static unsigned char *wrap_frame(int opcode, unsigned char *body, uint64_t size, bool masked) {
    static uint32_t key = 0x9E3779B9;
    unsigned char *from = body;
    if (masked) {
        key = key * 1664525 + 1013904223;
        from -= 4;
        memcpy(from, &key, 4);
        mask(body, size, from);
    }
    int bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
    for (int at = 0; at < bytes; at++) *--from = (unsigned char)(size >> (8 * at));
    *--from = (unsigned char)((masked ? 128 : 0) | (bytes == 0 ? size : bytes == 2 ? 126 : 127));
    *--from = (unsigned char)(128 | opcode);
    return from;
}
