#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What becomes a file name in blobs/ must be 64 hex digits, whatever a document says. */
static void check(const struct oci_blob *blob)
{
    if (strlen(blob->digest) != 64 || strspn(blob->digest, "0123456789abcdef") != 64 ||
        memchr(blob->type, '\0', sizeof(blob->type)) == NULL ||
        memchr(blob->name, '\0', sizeof(blob->name)) == NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oci_manifest m;
    struct err e;
    if (oci_manifest_read((const char *)data, size, &m, &e) == 0) {
        for (size_t i = 0; i < m.layer_count; i++)
            check(&m.layer[i]);
        if (m.has_subject)
            check(&m.subject);
    }
    json_t *index = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    struct oci_blob *list;
    size_t count;
    if (index && oci_index_read(index, 16, &list, &count, &e) == 0) {
        for (size_t i = 0; i < count; i++)
            check(&list[i]);
        free(list);
    }
    json_decref(index);
    return 0;
}
