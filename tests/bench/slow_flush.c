/* Adds SLOW_FLUSH_US microseconds to every fsync and fdatasync of a process (LD_PRELOAD): stands for a memory card's flush. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

static void wait_as_a_card(void) {
    const char *text = getenv("SLOW_FLUSH_US");
    long micros = text ? atol(text) : 0;
    struct timespec left = {micros / 1000000, (micros % 1000000) * 1000};
    while (micros > 0 && nanosleep(&left, &left) == -1 && errno == EINTR) {
    }
}

static int flush_with(const char *name, int descriptor) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    wait_as_a_card();
    return real(descriptor);
}

int fsync(int descriptor) { return flush_with("fsync", descriptor); }
int fdatasync(int descriptor) { return flush_with("fdatasync", descriptor); }
