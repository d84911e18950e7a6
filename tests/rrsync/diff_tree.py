# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tree that command lines are tried on, and how to put it back."""

import contextlib
import os
import shutil
import socket
import stat

# What lies below DIR, as (kind, name, more); '%D' in a link is DIR itself.
LAYOUT = (
	('file', b'f', b'one\n'), ('file', b'g.txt', b'two\n'), ('file', b'h.txt', b'three\n'),
	('file', b'sp ace', b''), ('file', b'two  blanks', b''), ('file', b'.hidden', b''),
	('file', b'-dash', b''), ('file', b'..x', b''), ('file', b'...', b''),
	('file', b'star*', b''), ('file', b'br[a]cket', b''), ('file', b'{a,b}', b''),
	('file', b'back\\slash', b''), ('file', b'tab\tname', b''), ('file', b'new\nline', b''),
	('file', b'\xff\xfe', b''), ('file', b'uml\xc3\xa4ut', b''), ('file', b'~', b''),
	('file', b'$HOME', b''), ('file', b'esc\x1b[31m', b''), ('file', b'a=b', b''),
	('file', b'list', b'f\n'), ('file', b'log', b''),
	('dir', b'dir', 0o755), ('dir', b'dir/sub', 0o755), ('dir', b'dir/sub/deep', 0o755),
	('file', b'dir/f', b''), ('file', b'dir/two', b''), ('file', b'dir/sub/f', b''),
	('file', b'dir/sub/deep/f', b''), ('dir', b'dir two', 0o755),
	('file', b'dir two/f', b''), ('dir', b'prev', 0o755), ('file', b'prev/f', b''),
	('dir', b'bak', 0o755), ('dir', b'part', 0o700), ('dir', b'tmp', 0o1777),
	('dir', b'empty', 0o755), ('dir', b'\xfe\xff', 0o755), ('file', b'\xfe\xff/f', b''),
	('dir', b'closed', 0o111), ('file', b'closed/f', b''),
	('dir', b'/'.join([b'nnnn'] * 24), 0o755),
	('link', b'in', b'dir'), ('link', b'in-file', b'dir/f'), ('link', b'dir/up', b'../f'),
	('link', b'out', b'../outside'), ('link', b'out-file', b'../outside/secret'),
	('link', b'dir/out', b'../../outside'), ('link', b'abs', b'/etc/passwd'),
	('link', b'abs-in', b'%D/dir'), ('link', b'dangling', b'nowhere'),
	('link', b'dangling-in', b'dir/new'), ('link', b'dangling-out', b'../outside/new'),
	('link', b'self', b'.'), ('link', b'parent', b'..'), ('link', b'root', b'/'),
	('link', b'loop', b'loop'), ('link', b'chain', b'in/sub'), ('link', b'twin', b'../tree-twin'),
	('link', b'dir/back', b'../dir'), ('link', b'proc', b'/proc/self/cwd'),
	('link', b'prev-link', b'prev'), ('link', b'prev-out', b'../outside'),
	('fifo', b'fifo', 0o600), ('fifo', b'dir/fifo', 0o600), ('sock', b'sock', None),
	('link', b'fifo-link', b'fifo'), ('null', b'null', None),
)
OUTSIDE = (
	('dir', b'outside', 0o755), ('file', b'outside/secret', b'secret\n'),
	('dir', b'outside/dir', 0o755), ('dir', b'tree-twin', 0o755),
	('file', b'tree-twin/f', b''), ('file', b'secret', b'secret\n'),
)


class Tree:
	"""BASE/tree, which is DIR, with things beside it that links in it point to."""

	def __init__(self, base):
		self.base = base
		self.dir = base + b'/tree'
		os.makedirs(self.dir, exist_ok=True)
		for item in OUTSIDE:
			self.make(base, *item)
		for item in LAYOUT:
			self.make(self.dir, *item)
		os.symlink(b'tree', base + b'/tree-link')
		self.names = [name for _, name, _ in LAYOUT]
		self.was = self.look()
		self.counts = [(path, len(os.listdir(path))) for path, (_, mode) in self.was.items()
			if stat.S_ISDIR(mode)] + [(base, len(os.listdir(base)))]

	def make(self, top, what, name, more):
		path = top + b'/' + name
		if what == 'dir':
			os.makedirs(path, exist_ok=True)
			os.chmod(path, more)
		elif what == 'file':
			with open(path, 'wb') as file:
				file.write(more)
		elif what == 'link':
			os.symlink(more.replace(b'%D', self.dir), path)
		elif what == 'fifo':
			os.mkfifo(path, more)
		elif what == 'sock':
			with socket.socket(socket.AF_UNIX) as sock, contextlib.chdir(top):
				sock.bind(name)
		else:
			with contextlib.suppress(PermissionError):
				os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))

	def look(self):
		"""Everything there is: path to (inode, mode)."""
		found, todo = {}, [self.base]
		while todo:
			with os.scandir(todo.pop()) as entries:
				for entry in entries:
					info = entry.stat(follow_symlinks=False)
					found[entry.path] = (info.st_ino, info.st_mode)
					if stat.S_ISDIR(info.st_mode):
						todo.append(entry.path)
		return found

	def restore(self, quick=False):
		"""Remove what was made; returns it as {path below DIR: mode}, outside as '../'.

		quick: what was neither made nor removed is taken to be as it was."""
		if quick and all(len(os.listdir(path)) == count for path, count in self.counts):
			return {}
		now, made = self.look(), {}
		for path in sorted(now.keys() - self.was.keys(), reverse=True):
			made[os.path.relpath(path, self.dir)] = now[path][1]
			if stat.S_ISDIR(now[path][1]):
				os.rmdir(path)
			else:
				os.unlink(path)
		for path, value in self.was.items():
			if now.get(path) != value:
				raise RuntimeError('no longer what it was: %r' % path)
		return made

	def remove(self):
		shutil.rmtree(self.base)
