/*
 * jm_httpd_status.h: what the status page shows, read once per page, and the
 * renderers of it. All of it is of the configuration or a number: nothing of
 * a request, a token or a key but its algorithm.
 */
#ifndef JM_HTTPD_STATUS_H
#define JM_HTTPD_STATUS_H

#include "mod_jwtmap.h"

/* Where an authorizer's keys are from, and what they are now. */
typedef struct jm_status_keys_t {
    const char *authorizer;
    const char *source;          /* member of the table: "jwks_file" */
    const char *algorithms;      /* that it accepts: "RS256, ES256" */
    unsigned count;              /* usable keys */
    apr_time_t loaded;
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
} jm_status_t;

/* --- jm_httpd_status_model.c --- */

/* Everything as it is now; in r->pool. */
const jm_status_t *jm_status_read(request_rec *r);

/* Requests of a row: all but internal passes. */
jm_counter_t jm_status_requests(const jm_row_t *row);
jm_counter_t jm_status_refused(const jm_row_t *row);
jm_counter_t jm_status_would_refuse(const jm_row_t *row);

/* Verifications. */
jm_counter_t jm_status_verifications(const jm_latency_t *latency);

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

/* --- the formats: each writes the whole of status to r --- */

void jm_status_html(request_rec *r, const jm_status_t *status);
void jm_status_json(request_rec *r, const jm_status_t *status);
void jm_status_prometheus(request_rec *r, const jm_status_t *status);

#endif
