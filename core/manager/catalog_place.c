/* SPDX-License-Identifier: MIT
 * Where a catalog is, and how messages name it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog.h"
#include "uris.h"

/* ---- Places ------------------------------------------------------------------------------------
 */

void manager_catalog_place_free(manager_catalog_place *place) {
    free(place->uri);
    free(place->name);
    free(place->file);
    *place = (manager_catalog_place){NULL, NULL, NULL};
}

static mseq_status place_sqlite(const char *path, manager_catalog_place *place, mseq_error *err) {
    if (!*path)
        return mseq_error_set(err, MSEQ_E_ARGUMENT, "the catalog 'sqlite:' names no file");
    if (path[0] == '/') {
        place->file = mseq_text_dup(path);
    } else {
        char *folder = getcwd(NULL, 0);
        place->file = folder ? mseq_text_format("%s/%s", folder, path) : NULL;
        free(folder);
    }
    place->name = mseq_text_dup(place->file);
    place->uri = place->file ? mseq_text_format("sqlite:///%s", place->file) : NULL;
    return place->uri && place->name ? MSEQ_OK : mseq_error_no_memory(err);
}

mseq_status manager_catalog_place_find(const mseq_manager_options *options, const char *directory,
                                       manager_catalog_place *place, mseq_error *err) {
    const char *catalog = options->catalog;
    mseq_status status = MSEQ_OK;
    if (!catalog) {
        char *path = NULL;
        status = manager_folder_path(directory, MANAGER_CATALOG_FILE, &path, err);
        if (status == MSEQ_OK)
            status = place_sqlite(path, place, err);
        free(path);
    } else if (strncmp(catalog, "sqlite:///", 10) == 0) {
        status = place_sqlite(catalog + 10, place, err);
    } else if (strncmp(catalog, "sqlite:", 7) == 0) {
        status = place_sqlite(catalog + 7, place, err);
    } else if (strncmp(catalog, "postgresql://", 13) == 0 ||
               strncmp(catalog, "postgres://", 11) == 0) {
        place->uri = mseq_text_dup(catalog);
        place->name = manager_uri_without_secret(catalog);
        if (!place->uri || !place->name)
            status = mseq_error_no_memory(err);
    } else {
        size_t scheme = strcspn(catalog, ":"); /* the rest may hold a password */
        status = mseq_error_set(err, MSEQ_E_ARGUMENT, "the catalog has the unknown scheme '%.*s'",
                                catalog[scheme] && scheme < 32 ? (int)scheme : 0, catalog);
        mseq_error_hint(err, "write sqlite:PATH or postgresql://user@host:port/database");
    }
    if (status != MSEQ_OK)
        manager_catalog_place_free(place);
    return status;
}
