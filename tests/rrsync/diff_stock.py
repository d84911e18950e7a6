# SPDX-License-Identifier: LGPL-2.1-or-later
"""The installed stock rrsync, run inside this process.

Starting it costs some 40 ms, a run of its main() well under one.  Nothing of it is
changed but what would start rsync: that is replaced by something that keeps the
arguments and looks up what their descriptors are.
"""

import argparse
import contextlib
import io
import os
import re
import subprocess
import sys
import types

FLAGS = ('ro', 'wo', 'munge', 'absolute', 'no_del', 'no_lock', 'no_overwrite')
FD = re.compile(rb'^(--[^=]+=)?/proc/self/fd/(\d+)(.*)$', re.S)


class Ran(BaseException):
	"""rsync would have been started with these arguments."""

	def __init__(self, argv):
		super().__init__()
		self.argv = argv


def resolve(arg):
	"""An argument as (text before, type and path of the descriptor, text behind)."""
	match = FD.match(arg)
	if not match:
		return (arg, b'', b'')
	number = int(match.group(2))
	path = os.readlink(b'/proc/self/fd/%d' % number)
	return (match.group(1) or b'', b'%06o %s' % (os.fstat(number).st_mode, path),
		match.group(3))


def capture(*argv, **_):
	"""Stands where the script starts rsync: execlp(path, *argv) or run(argv)."""
	words = argv[0] if isinstance(argv[0], tuple) else argv[1:]
	raise Ran([resolve(os.fsencode(word)) for word in words[1:]])


def above_all():
	"""A number from which on all descriptors are free, and under which none is."""
	most = max(map(int, os.listdir('/proc/self/fd')))
	while (fd := os.dup(0)) <= most:
		pass
	os.close(fd)
	return fd


class Stock:
	def __init__(self, path):
		with open(path, encoding='utf-8') as file:
			self.code = compile(file.read(), path, 'exec')
		self.module = self.load('imported')
		self.long_opts = dict(self.module.long_opts)
		self.short_disabled = self.module.short_disabled
		self.parsed = {}
		self.first_fd = 0

	def load(self, name):
		module = types.ModuleType(name)
		module.__file__ = self.code.co_filename
		exec(self.code, module.__dict__)
		return module

	def run(self, options, command, whole=False):
		"""(status, message, arguments); arguments is None unless rsync would run.

		With `whole' the server's own options go through the script's own parser,
		else through ours, once for each set of them."""
		if not self.first_fd:
			self.first_fd = above_all()
		err, kept = io.StringIO(), (sys.stderr, sys.argv, os.execlp, subprocess.run)
		here = os.getcwd()
		sys.stderr, sys.argv = err, ['rrsync', *map(os.fsdecode, options)]
		os.execlp = subprocess.run = capture
		os.environb[b'SSH_ORIGINAL_COMMAND'] = command
		status, argv = 0, None
		try:
			if whole:
				with contextlib.redirect_stdout(io.StringIO()):
					self.load('__main__')
			else:
				self.main(tuple(options))
		except Ran as ran:
			argv = ran.argv
		except SystemExit as end:
			status = end.code or 0
		except (UnicodeEncodeError, OSError) as error:	# it would end in a traceback
			status = 1
			err.write(str(error))
		finally:
			sys.stderr, sys.argv, os.execlp, subprocess.run = kept
			os.chdir(here)
			os.closerange(self.first_fd, self.first_fd + 300)
		return status, err.getvalue().encode('utf-8', 'surrogateescape'), argv

	def main(self, options):
		"""The script's main(), after putting back what the last one changed."""
		module = self.module
		if options not in self.parsed:
			self.parsed[options] = self.namespace(options)
		module.args = self.parsed[options]
		module.long_opts.clear()
		module.long_opts.update(self.long_opts)
		module.short_disabled = self.short_disabled
		module.client_relative = False
		module.pinned_fds.clear()
		module.pinned_dirs.clear()
		module.main()

	@staticmethod
	def namespace(options):
		"""The parsed options, as the script hands them to its main()."""
		given = {os.fsdecode(o)[1:].replace('-', '_') for o in options[:-1]}
		assert given <= set(FLAGS), given
		args = argparse.Namespace(**{name: name in given for name in FLAGS})
		args.dir = os.path.realpath(os.fsdecode(options[-1]))
		args.dir_slash = args.dir + '/'
		args.dir_slash_len = len(args.dir_slash)
		args.no_del = args.no_del or args.ro
		return args
