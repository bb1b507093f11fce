/*
 * jm_httpd_status.h: what the status page shows, read once per page, and the
 * renderers of it. All of it is of the configuration or a number: nothing of
 * a request, a token or a key but its algorithm.
 */
#ifndef JM_HTTPD_STATUS_H
#define JM_HTTPD_STATUS_H

#include "mod_jwtmap.h"

/* Where keys, or a revocation list, come from, and how that goes. The same in
 * whatever child it is read. */
typedef struct jm_status_source_t {
    const char *member;          /* of the table: "jwks_file" */
    const char *place;           /* the file, or the URL without its query;
                                  * NULL: the table itself */
    int is_fetched;
    apr_time_t read;             /* what is in use; 0: there is nothing */
    apr_time_t next;             /* is_fetched: when the next fetch is due */
    apr_time_t until;            /* is_fetched: when what was read is used no
                                  * more unless a fetch succeeds */
    apr_time_t failed;           /* the last try; 0: it was good */
    const char *error;           /* why; NULL: it did not fail */
} jm_status_source_t;

/* The keys of an authorizer. */
typedef struct jm_status_keys_t {
    const char *authorizer;
    const char *algorithms;      /* that it accepts: "RS256, ES256" */
    unsigned count;              /* usable keys */
    jm_status_source_t source;
    const jm_status_source_t *revoked; /* NULL: it has no revoked_file */
} jm_status_keys_t;

typedef struct jm_status_table_t {
    const jm_table_t *table;
    const char *file;            /* table->file, clean */
    const char *name;            /* the same, below ServerRoot without that */
    apr_time_t loaded;
    const jm_cells_t *cells;     /* rows: table->route_count + 1 */
    jm_row_t sum;                /* of all rows */
    const unsigned *order;       /* all rows, most requests first */
    const jm_status_keys_t *keys;/* table->authorizer_count */
} jm_status_table_t;

/* A server, or a <Location> of one, where a table is in force. */
typedef struct jm_status_place_t {
    const char *server;          /* "api.example:443" */
    const char *section;         /* path of the <Location>; NULL: all of it */
    const char *engine;          /* as JwtMapEngine takes it */
    const char *file;            /* of the table */
    const char *name;            /* of the table */
} jm_status_place_t;

typedef struct jm_status_t {
    const char *host;            /* this server's name */
    apr_time_t now;
    apr_time_t since;            /* when counting began; 0: there is no table */
    const jm_status_table_t *tables;
    unsigned table_count;
    const jm_status_place_t *places;
    unsigned place_count;
    jm_row_t sum;                /* of all tables */
    jm_latency_t latency;        /* of all tables */
    int has_cache;               /* 0: JwtMapCache Off */
    unsigned source_count;       /* of all tables, revocation lists too */
    unsigned failed_count;       /* those whose last try failed */
} jm_status_t;

/* --- jm_httpd_status_model.c --- */

/* Everything as it is now; in r->pool. */
const jm_status_t *jm_status_read(request_rec *r);

/* Requests of a row: all but internal passes. */
jm_counter_t jm_status_requests(const jm_row_t *row);
jm_counter_t jm_status_refused(const jm_row_t *row);
jm_counter_t jm_status_would_refuse(const jm_row_t *row);

/* Verifications, and those of them that the cache did not spare. */
jm_counter_t jm_status_verifications(const jm_latency_t *latency);
jm_counter_t jm_status_misses(const jm_latency_t *latency);

/* part of whole; 0: there is nothing. */
double jm_status_percent(jm_counter_t part, jm_counter_t whole);

/* Id of the route of a row; NULL: the row of requests without a route. */
const char *jm_status_route(apr_pool_t *p, const jm_status_table_t *table,
                            unsigned row);

/* --- jm_httpd_status_text.c --- */

/* text with U+FFFD for each control character and each octet that is not of
 * UTF-8; in p. text may be NULL: so is the result. */
const char *jm_status_clean(apr_pool_t *p, const char *text);

/* "2026-11-23 17:48:17 UTC", in p. */
const char *jm_status_time(apr_pool_t *p, apr_time_t time);

/* The two largest units of it: "3 h 12 min", "0 s"; in p. */
const char *jm_status_duration(apr_pool_t *p, apr_time_t duration);

/* "1,234,567", in p. */
const char *jm_status_number(apr_pool_t *p, jm_counter_t number);

/* Nanoseconds in the unit that suits them: "14.2 µs"; in p. */
const char *jm_status_nanoseconds(apr_pool_t *p, double nanoseconds);

/* What an administrator does about a verdict; words between two ` are code.
 * Never NULL; "" for JM_OK. */
const char *jm_status_advice(jm_verdict_e verdict);

/* The style sheet of the page, of ASCII without `<` and `&`. */
const char *jm_status_style(void);

/* --- jm_httpd_status_page.c: pieces of the page --- */

/* text, escaped. */
void jm_page_text(request_rec *r, const char *text);
void jm_page_code(request_rec *r, const char *text);

/* Words between two ` are code. */
void jm_page_words(request_rec *r, const char *text);

/* A table (of name) and its first row, which is HTML: a part of the page that
 * scrolls by itself where the screen is narrow. */
void jm_page_open_table(request_rec *r, const char *name, const char *head);
void jm_page_close_table(request_rec *r);

/* A cell. kind: "", or as in " wide": not on a phone. */
void jm_page_number(request_rec *r, const char *kind, jm_counter_t number);

/* One piece of a bar, from and width in percent; where the next begins. */
double jm_page_piece(request_rec *r, const char *kind, double from,
                     double width);

/* --- jm_httpd_status_keys.c --- */

/* The part of the page on the keys of a table. */
void jm_status_keys_html(request_rec *r, const jm_status_t *status,
                         const jm_status_table_t *table);

/* --- the formats: each writes the whole of status to r --- */

void jm_status_html(request_rec *r, const jm_status_t *status);
void jm_status_json(request_rec *r, const jm_status_t *status);
void jm_status_prometheus(request_rec *r, const jm_status_t *status);

#endif
