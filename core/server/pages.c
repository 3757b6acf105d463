/* SPDX-License-Identifier: MIT
 * What the server answers itself: the discovery page and the two questions of supervisors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server_private.h"

/* Becomes owner of both (malloc'ed); `allow` may be NULL. */
static void answer_document(server_exchange *exchange, int status, mseq_value *document,
                            char *allow) {
    mseq_reply reply = MSEQ_REPLY_INIT;
    reply.status = status;
    reply.body = document;
    reply.allow = allow;
    if (document)
        server_reply(exchange, &reply);
    else
        server_reply_refusal(exchange, 503, "no_memory", "the server is out of memory");
    mseq_reply_free(&reply);
}

/* ---- The discovery page ------------------------------------------------------------------------
 */

static mseq_value *routes_by_path(void) {
    mseq_value *routes = mseq_value_object();
    const char *method, *pattern;
    for (size_t i = 0; routes && mseq_manager_route(i, &method, &pattern); i++) {
        char path[256];
        snprintf(path, sizeof path, "/%s/", pattern);
        mseq_value *methods = mseq_object_peek(routes, path);
        mseq_status status = MSEQ_OK;
        if (!methods) {
            status = mseq_object_put(routes, path, mseq_value_array());
            methods = mseq_object_peek(routes, path);
        }
        if (status != MSEQ_OK || mseq_array_add(methods, mseq_value_string(method)) != MSEQ_OK) {
            mseq_value_free(routes);
            routes = NULL;
        }
    }
    return routes;
}

static mseq_value *discovery_document(void) {
    mseq_value *document = mseq_value_object();
    if (document && mseq_object_put_text(document, "name", "mainsequence TS Manager") == MSEQ_OK &&
        mseq_object_put_text(document, "version", mseq_version()) == MSEQ_OK &&
        mseq_object_put(document, "routes", routes_by_path()) == MSEQ_OK)
        return document;
    mseq_value_free(document);
    return NULL;
}

static char *discovery_html(const mseq_value *document) {
    const mseq_value *routes = mseq_object_get(document, "routes");
    mseq_buffer html = MSEQ_BUFFER_INIT;
    mseq_buffer_append_format(&html,
                              "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                              "<title>TS Manager</title></head><body>\n<h1>TS Manager</h1>\n"
                              "<p>mainsequence %s. Health: <a href=\"/healthz\">/healthz</a>, <a "
                              "href=\"/readyz\">/readyz</a>. A client's endpoint is this page's "
                              "address.</p>\n<table>\n",
                              mseq_version());
    for (size_t i = 0; i < mseq_value_length(routes); i++) {
        const mseq_value *methods = mseq_object_value_at(routes, i);
        mseq_buffer_append_format(&html, "<tr><td>%s</td><td>", mseq_object_key_at(routes, i));
        for (size_t m = 0; m < mseq_value_length(methods); m++)
            mseq_buffer_append_format(&html, "%s%s", m ? ", " : "",
                                      mseq_value_get_text(mseq_array_get(methods, m)));
        mseq_buffer_append_text(&html, "</td></tr>\n");
    }
    mseq_buffer_append_text(&html, "</table>\n</body></html>\n");
    char *text = mseq_buffer_take(&html);
    mseq_buffer_free(&html);
    return text;
}

static bool wants_html(const server_exchange *exchange) {
    const char *accept = MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, "Accept");
    return accept && strstr(accept, "text/html");
}

static void answer_discovery(server_exchange *exchange) {
    mseq_value *document = discovery_document();
    char *html = document && wants_html(exchange) ? discovery_html(document) : NULL;
    if (html) {
        server_reply_text(exchange, 200, "text/html; charset=utf-8", html);
        mseq_value_free(document);
    } else {
        answer_document(exchange, 200, document, NULL);
    }
}

/* ---- Alive and ready ---------------------------------------------------------------------------
 */

static mseq_value *two_texts(const char *first, const char *one, const char *second,
                             const char *two) {
    mseq_value *document = mseq_value_object();
    if (document && mseq_object_put_text(document, first, one) == MSEQ_OK &&
        (!second || mseq_object_put_text(document, second, two) == MSEQ_OK))
        return document;
    mseq_value_free(document);
    return NULL;
}

static void answer_status(server_exchange *exchange, const char *status) {
    answer_document(exchange, 200, two_texts("status", status, NULL, NULL), NULL);
}

static void answer_readiness(server_exchange *exchange) {
    mseq_error err = MSEQ_ERROR_INIT;
    if (mseq_manager_ready(exchange->server->options.manager, &err) == MSEQ_OK)
        answer_status(exchange, "ready");
    else
        server_reply_refusal(exchange, 503, "catalog_unavailable", err.message);
}

bool server_page(server_exchange *exchange) {
    static const char *const pages[] = {"/", "/healthz", "/readyz"};
    size_t page = 0, count = sizeof pages / sizeof *pages;
    while (page < count && strcmp(exchange->path, pages[page]) != 0)
        page++;
    if (page == count)
        return false;
    const char *method = exchange->method;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        answer_document(
            exchange, 405,
            two_texts("detail", "only GET is allowed here", "code", "method_not_allowed"),
            mseq_text_dup("GET, HEAD"));
    } else if (page == 0) {
        answer_discovery(exchange);
    } else if (page == 1) {
        answer_status(exchange, "alive");
    } else {
        answer_readiness(exchange);
    }
    exchange->route = pages[page];
    return true;
}
