/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hook.h - the administrator's own programs, called where a run asks for them.
 *
 * A hook is a path and its arguments, split at blanks; what stands in single or
 * double quotes is one word or part of one.  There is no shell.  It runs in a
 * process group of its own with a fixed PATH, an environment of its own (HOME
 * LOGNAME USER SHELL LANG LC_ALL TZ TMPDIR of ours, and the facts), /dev/null as
 * stdin, and no descriptor of ours; what it prints goes line by line into our
 * messages, a bounded part of it.
 */
#ifndef SS_HOOK_H
#define SS_HOOK_H

#include <stddef.h>

/* NULL-ended words of text, for hook_words_free(); NULL with the reason in *why (not to be freed). */
char **hook_words(const char *text, const char **why);
void hook_words_free(char **words);

/*
 * Is command fit to be run as key says ("hook.pre")?  An absolute path of a regular
 * file that can be executed, and that none but root and our user can replace or
 * change.  0, or -1 after reporting.
 */
int hook_check(const char *key, const char *command);

/* Facts: all zero is none. */
struct hook_facts {
	char **env;		/* NULL-ended */
	size_t n;
};

/* Add SECONDSHOT_NAME=value; a value that is NULL is none. */
void hook_fact(struct hook_facts *f, const char *name, const char *value);
void hook_facts_free(struct hook_facts *f);

/*
 * Check and run command; timeout in seconds, 0 = none: then, or 5 seconds after we
 * were asked to stop while it ran, its process group gets SIGTERM, and 5 seconds
 * later SIGKILL.  NULL if it exits with 0, else why not, malloc'd and not
 * escaped.
 */
char *hook_run(const char *key, const char *command, const struct hook_facts *f, int timeout);

#endif
