/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hash_cache.c - what was read not long ago.
 *
 * Direct-mapped and of fixed size: a name of an inode that comes long after the
 * first is read once more, which costs time and nothing else.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tree/hash_file.h"

#define CACHE_SLOTS 16384

struct hash_cache {
	pthread_mutex_t lock;
	struct hash_known slot[CACHE_SLOTS];
};

_Static_assert(sizeof(struct hash_identity) == 56 + sizeof(void *), "padding would be compared");

struct hash_cache *hash_cache_new(void)
{
	struct hash_cache *c = mem_alloc(sizeof(*c));

	pthread_mutex_init(&c->lock, NULL);
	return c;
}

static struct hash_known *cache_slot(struct hash_cache *c, const struct hash_identity *id)
{
	uint64_t h = (id->ino ^ id->dev << 32) * 0x9e3779b97f4a7c15u;

	return &c->slot[h >> 32 & (CACHE_SLOTS - 1)];
}

int hash_cache_get(struct hash_cache *c, struct hash_known *k)
{
	const struct hash_known *slot = cache_slot(c, &k->id);
	int found;

	pthread_mutex_lock(&c->lock);
	found = memcmp(&slot->id, &k->id, sizeof(k->id)) == 0;
	if (found)
		*k = *slot;
	pthread_mutex_unlock(&c->lock);
	return found;
}

void hash_cache_put(struct hash_cache *c, const struct hash_known *k)
{
	pthread_mutex_lock(&c->lock);
	*cache_slot(c, &k->id) = *k;
	pthread_mutex_unlock(&c->lock);
}

void hash_cache_free(struct hash_cache *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}
