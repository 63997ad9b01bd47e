/* The reader as a small processor has it, under names that don't meet the other's. */
#define JSON_IS_LARGE    0
#define json_parse       small_parse
#define json_member      small_member
#define json_first       small_first
#define json_next        small_next
#define json_next_pair   small_next_pair
#define json_next_char   small_next_char
#define json_value       small_value
#define json_is_object   small_is_object
#define json_is_array    small_is_array
#define json_is_string   small_is_string
#define json_is_number   small_is_number
#define json_is_control  small_is_control
#define json_equals      small_equals
#define json_u64         small_u64
#define json_u32         small_u32
#define json_bool        small_bool
#define json_text        small_text
#define json_texts       small_texts
#define json_hex         small_hex
#define json_span        small_span
#define json_string_span small_string_span
#define json_get_u64     small_get_u64
#define json_get_u32     small_get_u32
#define json_get_bool    small_get_bool
#define json_get_text    small_get_text
#define json_get_hex     small_get_hex
#define utf8_length      small_utf8_length
#define FACTS            facts_small

int FACTS(const char *text, unsigned long len, char *out, unsigned long cap);

#include "../../../protocol/src/json_read.c"
#include "json_facts.h"
