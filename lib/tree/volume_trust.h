/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* volume_trust.h - may root believe, and write into, what lies on a volume? */
#ifndef SS_VOLUME_TRUST_H
#define SS_VOLUME_TRUST_H

#include "tree/volume.h"

/*
 * 0 if the snapshot root, ROOT/.secondshot with the files and directories in it, each
 * location, and each LOCATION/.secondshot belong to root or our own user, and nobody else
 * can write them or exchange a directory above the root; else -1 after reporting that the
 * volume is offline, and why.  The hosts' trees are theirs: they, and what is in the trash,
 * are not looked at; nor are the markers, whose seals tell who wrote them.  v->own may be -1.
 */
int volume_trust(const struct volume *v);

#endif
