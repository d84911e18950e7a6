/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sandbox.c - a reader gives away what it does not need. */
#include "base/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/msg.h"

/*
 * Rights and fields that came after the kernel headers we may be built with.
 * The kernel's struct landlock_ruleset_attr grew by a field with ABI 4 and 6.
 */
#define SANDBOX_FS_READ_DIR (1ull << 3)
/*
 * Execute, read, write, make and remove.  Not to list directories: the walk holds
 * descriptors and follows no link, and the kernel's way up from each directory to
 * the one that is allowed makes deep trees a matter of minutes.
 */
#define SANDBOX_FS_ABI1 (((1ull << 13) - 1) & ~SANDBOX_FS_READ_DIR)
#define SANDBOX_FS_REFER (1ull << 13)
#define SANDBOX_FS_TRUNCATE (1ull << 14)
#define SANDBOX_FS_IOCTL_DEV (1ull << 15)
#define SANDBOX_NET_TCP 3ull			/* bind and connect */
#define SANDBOX_SCOPES 3ull			/* abstract sockets and signals */

struct sandbox_ruleset {
	uint64_t fs, net, scoped;
};

#define SANDBOX_READ ((uint64_t)LANDLOCK_ACCESS_FS_READ_FILE)

int sandbox_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* Everything this kernel can forbid; *size as much of the struct as it knows. */
static struct sandbox_ruleset sandbox_handled(int abi, size_t *size)
{
	struct sandbox_ruleset r = { .fs = SANDBOX_FS_ABI1 };

	*size = sizeof(r.fs);
	if (abi >= 2)
		r.fs |= SANDBOX_FS_REFER;
	if (abi >= 3)
		r.fs |= SANDBOX_FS_TRUNCATE;
	if (abi >= 4) {
		r.net = SANDBOX_NET_TCP;
		*size += sizeof(r.net);
	}
	if (abi >= 5)
		r.fs |= SANDBOX_FS_IOCTL_DEV;
	if (abi >= 6) {
		r.scoped = SANDBOX_SCOPES;
		*size += sizeof(r.scoped);
	}
	return r;
}

static int sandbox_allow(int ruleset, int dir, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights, .parent_fd = dir };

	return (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static int sandbox_allow_path(int ruleset, const char *path, uint64_t rights)
{
	int rc, dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return errno == ENOENT ? 0 : -1;
	rc = sandbox_allow(ruleset, dir, rights);
	close(dir);
	return rc;
}

/* struct landlock_net_port_attr of ABI 4, and the rule's number. */
struct sandbox_port {
	uint64_t access, port;
};
#define SANDBOX_RULE_PORT 2
#define SANDBOX_CONNECT 2ull

/* 0, or -1 with errno. */
static int sandbox_allow_ports(int ruleset, const uint16_t *tcp, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct sandbox_port rule = { SANDBOX_CONNECT, tcp[i] };

		if (syscall(SYS_landlock_add_rule, ruleset, SANDBOX_RULE_PORT, &rule, 0))
			return -1;
	}
	return 0;
}

static int sandbox_landlock(const int *ro, size_t nro, const char *const *rw, size_t nrw,
			    const uint16_t *tcp, size_t ntcp)
{
	struct sandbox_ruleset r = { 0 };
	int abi = sandbox_abi(), fd, rc = -1;
	size_t size, i;

	if (!abi) {
		msg_debug("this kernel has no Landlock, or it is switched off");
		return 0;
	}
	r = sandbox_handled(abi, &size);
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd < 0) {
		msg_error("Landlock: %m");
		return -1;
	}
	for (i = 0; i < nro; i++) {
		if (sandbox_allow(fd, ro[i], SANDBOX_READ)) {
			msg_error("Landlock: descriptor %d: %m", ro[i]);
			goto out;
		}
	}
	for (i = 0; i < nrw; i++) {
		if (sandbox_allow_path(fd, rw[i], r.fs & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE)) {
			msg_error("Landlock: %s: %m", escape_name(rw[i]));
			goto out;
		}
	}
	if (r.net && sandbox_allow_ports(fd, tcp, ntcp)) {
		msg_error("Landlock: a port: %m");
		goto out;
	}
#ifdef __SANITIZE_ADDRESS__
	/* Its leak checker looks into /proc at exit. */
	sandbox_allow_path(fd, "/proc", SANDBOX_READ);
#endif
	rc = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	if (rc)
		msg_error("Landlock: %m");
out:
	close(fd);
	return rc;
}

/* What changes a file, or a directory's names: of ABI 1, from writing on, without reading. */
#define SANDBOX_WRITES (LANDLOCK_ACCESS_FS_WRITE_FILE | \
			(SANDBOX_FS_ABI1 & ~((1ull << 4) - 1)) | SANDBOX_FS_REFER)
#define SANDBOX_FILES (LANDLOCK_ACCESS_FS_WRITE_FILE | SANDBOX_FS_TRUNCATE)

int sandbox_writer(const struct sandbox_rule *rule, size_t n)
{
	struct sandbox_ruleset r = { .fs = SANDBOX_WRITES };
	static const uint64_t may[] = {
		[SANDBOX_TREE] = ~0ull, [SANDBOX_LINK] = SANDBOX_FILES | SANDBOX_FS_REFER,
		[SANDBOX_FILE] = SANDBOX_FILES,
	};
	size_t i;
	int fd;

	if (sandbox_abi() > SANDBOX_WRITER)
		r.fs |= SANDBOX_FS_TRUNCATE;
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof(r.fs), 0);
	for (i = 0; i < n && fd >= 0; i++)
		if (sandbox_allow(fd, rule[i].fd, r.fs & may[rule[i].may])) {
			int err = errno;

			close(fd);
			errno = err;
			fd = -1;
		}
	if (fd < 0)
		msg_error("Landlock: %m");
	return fd;
}

int sandbox_enter(int domain)
{
	/* Who is not root must give up set-user-id programs for it. */
	if (syscall(SYS_landlock_restrict_self, domain, 0) == 0 ||
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	     syscall(SYS_landlock_restrict_self, domain, 0) == 0))
		return 0;
	msg_error("Landlock: %m");
	return -1;
}

/* Nothing but CAP_DAC_READ_SEARCH, and that only if we have it. */
static int sandbox_capabilities(void)
{
	int keep, bounds;

	if (capng_get_caps_process()) {
		msg_error("cannot read our capabilities: %m");
		return -1;
	}
	keep = capng_have_capability(CAPNG_PERMITTED, CAP_DAC_READ_SEARCH);
	bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	capng_clear(CAPNG_SELECT_ALL);
	if (keep)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_DAC_READ_SEARCH);
	/* The bounding set first: lowering it takes a capability that goes next. */
	if ((bounds && capng_apply(CAPNG_SELECT_BOUNDS)) || capng_apply(CAPNG_SELECT_CAPS)) {
		msg_error("cannot drop capabilities: %m");
		return -1;
	}
	return 0;
}

int sandbox_reader(const int *ro, size_t nro, const char *const *rw, size_t nrw, const uint16_t *tcp,
		   size_t ntcp)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		msg_error("cannot set no_new_privs: %m");
		return -1;
	}
	if (sandbox_landlock(ro, nro, rw, nrw, tcp, ntcp))
		return -1;
	return sandbox_capabilities();
}
