#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/*
 * Allocation in the console: memory that can't be had ends the program with a message, since every
 * list in it is bounded. (The agent and the firmware's portable parts allocate nothing.)
 */
void *mem_alloc(size_t size);                         /* zeroed; free() it */
void *mem_array(size_t count, size_t size);           /* zeroed; overflow checked */
void *mem_grow(void *old, size_t count, size_t size); /* realloc of an array; new part not zeroed */
char *mem_strdup(const char *text);

/*
 * Room for one more in an array that doubles: MEM_PUSH_ROOM(v->item, v->count, v->cap) and then
 * v->item[v->count++] = …
 */
#define MEM_PUSH_ROOM(items, count, cap)                                                           \
    do {                                                                                           \
        if ((count) == (cap)) {                                                                    \
            (cap) = (cap) ? (cap)*2 : 8;                                                           \
            (items) = mem_grow((items), (cap), sizeof(*(items)));                                  \
        }                                                                                          \
    } while (0)

#endif
