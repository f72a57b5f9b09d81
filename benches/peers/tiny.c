/* The service all peers run: says when its first instruction ran, does one thing, then pauses.
 *
 *   tiny FIFO NAME                     says `S NAME NS PID`
 *   tiny FIFO NAME ready MS FD         after MS says so on descriptor FD, then `R NAME NS PID`
 *   tiny FIFO NAME flood LENGTH TOTAL  writes TOTAL bytes to stdout in pieces of LENGTH, then `D NAME NS PID`
 *   tiny FIFO NAME pace RATE SECONDS   writes RATE lines of 100 bytes a second, every 10 ms, then `D NAME NS PID`
 *
 * NS is its own CLOCK_MONOTONIC in nanoseconds: who reads the FIFO may be late. A line is one atomic write.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int fifo;
static const char *name;

static void say(char what, const struct timespec *at)
{
    char line[128];
    int length = snprintf(line, sizeof line, "%c %s %lld %d\n", what, name,
                          (long long)at->tv_sec * 1000000000 + at->tv_nsec, getpid());
    if (write(fifo, line, length) != length)
        _exit(3);
}

static void say_now(char what)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    say(what, &now);
}

static void put(const char *bytes, long length)
{
    while (length > 0) {
        long written = write(1, bytes, length);
        if (written < 0)
            _exit(4);
        bytes += written, length -= written;
    }
}

int main(int argc, char **argv)
{
    struct timespec begin;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (argc < 3)
        return 2;
    name = argv[2];
    fifo = open(argv[1], O_WRONLY | O_CLOEXEC);
    if (fifo < 0)
        return 2;
    say('S', &begin);
    const char *mode = argc > 5 ? argv[3] : "";
    long first = argc > 5 ? atol(argv[4]) : 0, second = argc > 5 ? atol(argv[5]) : 0;
    if (!strcmp(mode, "ready")) {
        nanosleep(&(struct timespec){.tv_nsec = first * 1000000}, NULL);
        if (second > 0 && write(second, "\n", 1) != 1)
            return 5;
        say_now('R');
    } else if (!strcmp(mode, "flood")) {
        static char piece[1 << 20];
        for (long at = 0; at < (long)sizeof piece; at++)
            piece[at] = at % 100 == 99 ? '\n' : 'x';
        say_now('B');
        for (long rest = second; rest > 0; rest -= first)
            put(piece, first);
        say_now('D');
    } else if (!strcmp(mode, "pace")) {
        char line[100];
        memset(line, 'x', 99), line[99] = '\n';
        struct timespec next = begin;
        for (long round = 0; round < second * 100; round++) {
            for (long at = 0; at < first / 100; at++)
                put(line, sizeof line);
            next.tv_nsec += 10000000;
            if (next.tv_nsec >= 1000000000)
                next.tv_sec++, next.tv_nsec -= 1000000000;
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        }
        say_now('D');
    }
    for (;;)
        pause();
}
