/*
 * jsmn is a header; this is the one file that holds its code. Strict mode and parent links are part
 * of its types, so they are set here as protocol/json_read.h sets them.
 */
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>
