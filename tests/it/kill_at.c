// Kills the program that it is loaded into (LD_PRELOAD) at its N-th step, for `crash.rs`. A step is a moment around a system
// call whose effect outlives the program: writing and syncing the ledger, sending to an issuer, telling the results.
//
// KILL_LEDGER  path of the ledger
// KILL_STEPS   file to which the name of every step is appended
// KILL_AT      number of the step to die at, counted from 1

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static atomic_int steps;

static void step(const char *name) {
  const char *at = getenv("KILL_AT"), *told = getenv("KILL_STEPS");
  int file = (int)syscall(SYS_openat, AT_FDCWD, told, O_WRONLY | O_CREAT | O_APPEND, 0600);
  syscall(SYS_write, file, name, strlen(name));
  syscall(SYS_write, file, "\n", 1);
  syscall(SYS_close, file);
  if (atomic_fetch_add(&steps, 1) + 1 == atoi(at)) kill(getpid(), SIGKILL);
}

static int is_ledger(int fd) {
  struct stat there, here;
  return stat(getenv("KILL_LEDGER"), &there) == 0 && fstat(fd, &here) == 0 && here.st_dev == there.st_dev &&
         here.st_ino == there.st_ino;
}

static int is_directory(int fd) {
  struct stat here;
  return fstat(fd, &here) == 0 && S_ISDIR(here.st_mode);
}

static int is_to_issuer(int fd) {
  struct sockaddr_storage peer;
  socklen_t length = sizeof peer;
  return getpeername(fd, (struct sockaddr *)&peer, &length) == 0 && peer.ss_family == AF_INET;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  if (is_ledger(fd)) {
    step("before a line of the ledger");
    // Where the kill does not come, the line is written in these three pieces.
    size_t half = length / 2, rest = length - half - 1;
    if (length > 2) {
      REAL(write)(fd, bytes, half);
      step("half a line of the ledger");
      REAL(write)(fd, (const char *)bytes + half, rest);
      step("a line of the ledger without its end");
      REAL(write)(fd, (const char *)bytes + length - 1, 1);
      return (ssize_t)length;
    }
  } else if (fd == STDOUT_FILENO) {
    step("before the results are told");
  }
  return REAL(write)(fd, bytes, length);
}

int fdatasync(int fd) {
  if (is_ledger(fd)) step("before the ledger is synced");
  return REAL(fdatasync)(fd);
}

int fsync(int fd) {
  if (is_directory(fd)) step("before the directory of the ledger is synced");
  return REAL(fsync)(fd);
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
  if (address->sa_family == AF_INET) step("before a connection");
  return REAL(connect)(fd, address, length);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
  if (!is_to_issuer(fd)) return REAL(send)(fd, bytes, length, flags);
  step("before a request");
  ssize_t sent = REAL(send)(fd, bytes, length, flags);
  step("after a request");
  return sent;
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
  if (!is_to_issuer(fd)) return REAL(writev)(fd, pieces, count);
  step("before a request");
  ssize_t sent = REAL(writev)(fd, pieces, count);
  step("after a request");
  return sent;
}
