/*
 * mod_jwtmap.h: what the httpd side shares: configuration records, the
 * state of a request, and the functions of its parts. Only mod_jwtmap.c and
 * src/httpd include it; the core knows nothing of httpd.
 */
#ifndef MOD_JWTMAP_H
#define MOD_JWTMAP_H

#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>

#include "jm_decide.h"
#include "jm_httpd_count.h"
#include "jm_report.h"
#include "jm_table.h"

extern module AP_MODULE_DECLARE_DATA jwtmap_module;

typedef struct jm_files_t jm_files_t;
typedef struct jm_remotes_t jm_remotes_t;

typedef enum jm_engine_e {
    JM_ENGINE_UNSET = 0,
    JM_ENGINE_OFF,
    JM_ENGINE_ON,
    JM_ENGINE_REPORT_ONLY
} jm_engine_e;

/* Server, vhost and <Location>: merged by pointer, the inner one wins. */
typedef struct jm_dir_conf_t {
    const jm_table_t *table;
    jm_counters_t *counters;      /* of the table */
    jm_engine_e engine;
} jm_dir_conf_t;

#define JM_OFF (-1)           /* of a number that may be "Off" */

/* What a (virtual) server has to know at start. The numbers are those of the
 * main server; 0: not set. */
typedef struct jm_server_conf_t {
    int in_use;                   /* a table stands in it or above it */
    int reload;                   /* JwtMapReload, seconds */
    int cache_entries;            /* JwtMapCache */
    jm_files_t *files;            /* of the main server; NULL: none to look
                                   * at */
    jm_cache_t *cache;            /* of this child, the same in all servers;
                                   * NULL: none */
    apr_array_header_t *tables;   /* of jm_table_t *: its own and those above */
    jm_remotes_t *remotes;        /* key sets that are fetched, of all servers;
                                   * NULL: none */
} jm_server_conf_t;

/* What the client sent, kept by the first pass for all later ones
 * (subrequests, internal redirects), and the token that was verified. */
typedef struct jm_client_t {
    const char *method;
    const char *args;
    const apr_table_t *headers;
    const jm_token_t *token;
} jm_client_t;

/* State of one request_rec, in its pool. */
typedef struct jm_ctx_t {
    jm_client_t *client;
    const jm_table_t *table;      /* in force when it was decided; or NULL */
    jm_counters_t *counters;      /* of the table */
    const jm_decision_t *decision;/* NULL: not decided, or strip_only */
    const jm_decision_t *counted; /* the decision that was counted last */
    const char *uri;              /* r->uri that was decided for */
    const char *start_uri;        /* r->uri, and the settings in force, before
                                   * anything put another target in its place;
                                   * NULL: out of scope then */
    const jm_dir_conf_t *start_conf;
    const jm_route_t *own;        /* what translate_name took over for */
    const jm_dir_conf_t *own_conf;
    int refused;
    int strip_only;               /* serves the ErrorDocument of a refusal */
    const jm_field_t *left_out;   /* strip_only: the credential that was
                                   * verified before the refusal; or NULL */
    const jm_decision_t *below;   /* a subrequest's refusal, for the answer
                                   * that httpd makes of it */
    const jm_decision_t *applied; /* whose fields stand in r->headers_in */
    apr_table_t *edited;          /* r->headers_in while core may switch to
                                   * another protocol; else NULL */
    int args_lent;                /* r->args is edited for mod_proxy only */
    const char *args;             /* r->args before that */
    const char *line;             /* r->the_request before it was; or NULL */
    int in_authz;                 /* our auth_checker runs the others */
    jm_verdict_e denied;          /* by a Require line of ours; else 0 */
    const char *denied_by;        /* its claim; NULL: by none of ours */
} jm_ctx_t;

/* --- mod_jwtmap.c --- */

/* The settings in force for r, or NULL: out of scope (no table, engine Off,
 * a forward-proxy request). */
const jm_dir_conf_t *jm_scope(const request_rec *r);

/* The state of r; made on first use. Never NULL. */
jm_ctx_t *jm_ctx(request_rec *r);

/* The state of r where it was decided or strip_only; else NULL. */
jm_ctx_t *jm_ctx_decided(const request_rec *r);

/* Takes reserved names out of fields and sets what was decided for ctx. */
void jm_apply_headers(apr_table_t *fields, apr_pool_t *p,
                      const jm_ctx_t *ctx);

/* Takes what is reserved or set for ctx out of r->trailers_in. */
void jm_strip_trailers(request_rec *r, const jm_ctx_t *ctx);

/* --- jm_httpd_config.c: records and directives, for the module record --- */

void *jm_conf_create_dir(apr_pool_t *p, char *dir);
void *jm_conf_merge_dir(apr_pool_t *p, void *vbase, void *vadd);
void *jm_conf_create_server(apr_pool_t *p, server_rec *s);
void *jm_conf_merge_server(apr_pool_t *p, void *vbase, void *vadd);

extern const command_rec jm_conf_directives[];

/* What the settings of base become where those of add stand inside it. */
jm_dir_conf_t *jm_conf_merge(apr_pool_t *p, const jm_dir_conf_t *base,
                             const jm_dir_conf_t *add);

/* The hooks of a start. */
void jm_conf_register_hooks(apr_pool_t *p);

/* --- jm_httpd_request.c: a request_rec as jm_request_t --- */

/* Decides for r as it is now, remembers that in ctx and exports the notes.
 * OK, or the status of a refusal, of which answer and log are then ready. OK
 * and no decision: a look-up that came before the decision on the request it
 * was made for, and would be refused; gate refuses it if it is run. */
int jm_request_decide(request_rec *r, jm_ctx_t *ctx,
                      const jm_dir_conf_t *conf);

/* 1 if it was decided for r as it is now: nothing changed its path or table
 * since. */
int jm_request_is_settled(const request_rec *r, const jm_ctx_t *ctx,
                          const jm_dir_conf_t *conf);

/* jm_request_decide, unless it is settled (then the same answer again); from
 * a second time on as a target of the request that it was. */
int jm_request_settle(request_rec *r, jm_ctx_t *ctx,
                      const jm_dir_conf_t *conf);

/* Refuses r as our own fault; the status. */
int jm_request_fail(request_rec *r, jm_ctx_t *ctx, const jm_dir_conf_t *conf);

/* The router's answer for r as it is now. APR_EINVAL: the path cannot be
 * read. */
apr_status_t jm_request_match(jm_match_t *match, request_rec *r,
                              const jm_dir_conf_t *conf);

/* Decodes r->uri where a ProxyPass that an own route takes over from left it
 * encoded. */
void jm_request_decode_uri(request_rec *r, jm_ctx_t *ctx);

/* Puts the decided query into r->args. */
void jm_request_edit_args(request_rec *r, const jm_ctx_t *ctx);

/* The query of r->the_request, of which REQUEST_URI is made, as that of
 * r->args (and keeps what was there). */
void jm_request_edit_line(request_rec *r, jm_ctx_t *ctx);

/* Gives r and the passes before it their request line back. */
void jm_request_restore_line(request_rec *r);

/* text with the decided query in the URL that stands from start to end (both
 * octets from its beginning) in it. In r->pool. */
const char *jm_request_edit_url(request_rec *r, const jm_ctx_t *ctx,
                                const char *text, apr_size_t start,
                                apr_size_t end);

/* --- jm_httpd_answer.c: answers that the module makes --- */

/* One line for a refusal, or for one that ReportOnly does not make; counts
 * it, so that lines and numbers agree. */
void jm_answer_log(request_rec *r, const jm_ctx_t *ctx);

/* Headers, body and connection of a refusal; its status. */
int jm_answer_refuse(request_rec *r, jm_ctx_t *ctx);

/* The same for a verdict that was come to later, and what it is about. */
int jm_answer_refuse_as(request_rec *r, jm_ctx_t *ctx, jm_verdict_e verdict,
                        const char *detail);

/* Sets WWW-Authenticate (RFC 6750 section 3) for a verdict. */
void jm_answer_challenge(request_rec *r, jm_verdict_e verdict);

/* Fields of the answer to a refusal, also for an ErrorDocument. */
void jm_answer_fields(request_rec *r, const jm_decision_t *d);

/* 1 if r was refused for a subrequest's sake: mod_dir answers for a directory
 * with the status of its index. */
int jm_answer_is_below(const request_rec *r, const jm_ctx_t *ctx);

/* Sends the answer of a JM_ACTION_RESPONSE or JM_ACTION_PREFLIGHT. */
int jm_answer_send(request_rec *r, const jm_ctx_t *ctx);

/* Adds the CORS fields of ctx's table to r->headers_out, where it has any. */
void jm_answer_cors(request_rec *r, const jm_ctx_t *ctx);

void jm_answer_register_hooks(apr_pool_t *p);

/* --- jm_httpd_notes.c: claims and verdict as notes, r->user --- */

void jm_notes_export(request_rec *r, const jm_ctx_t *ctx);

/* --- jm_httpd_proxy.c: mod_proxy without a link-time tie to it --- */

/* Sends r to the server of an own route, as ProxyPass would. */
void jm_proxy_set_upstream(request_rec *r, const jm_match_t *match);

/* The URL that the server of an own route has in its own answers: without a
 * socket, that of the balancer's member that answered; NULL: not known. */
const char *jm_proxy_back(const request_rec *r, const jm_server_t *server);

/* Where mod_proxy forwards the URL as it is in r->filename, the query there
 * is edited too. */
void jm_proxy_edit_filename(request_rec *r, const jm_ctx_t *ctx);

/* Interim responses (103) go past every output filter; where they could
 * reflect a mapped parameter, mod_proxy keeps them to itself. */
void jm_proxy_hold_interim(request_rec *r, const jm_ctx_t *ctx);

/* Takes the parameters of an earlier pass's decision out of that query. */
void jm_proxy_undo_filename(request_rec *r, const jm_decision_t *d);

/* 1 if r->the_request is read for the upstream or the handler: CGI variables
 * are made of it. */
int jm_proxy_reads_line(const request_rec *r);

/* 1 if r is on its way through mod_proxy already. */
int jm_proxy_is_proxied(const request_rec *r);

void jm_proxy_register_hooks(apr_pool_t *p);

/* --- jm_httpd_authz.c: AuthType Bearer, Require jwtmap-… --- */

void jm_authz_register_hooks(apr_pool_t *p);

/* --- jm_httpd_status.c: the handler jwtmap-status --- */

void jm_status_register_hooks(apr_pool_t *p);

/* --- jm_httpd_reload.c: files that change, the cache of a child --- */

/* JwtMapReload and JwtMapCache. */
const char *jm_files_set_reload(cmd_parms *cmd, void *vconf, const char *arg);
const char *jm_files_set_cache(cmd_parms *cmd, void *vconf, const char *arg);

/* How a file that may change is doing, the same in all children. 0: nobody
 * looked at it yet, or it changes with a restart only. */
int jm_files_report(jm_report_t *report, const jm_files_t *files,
                    const jm_watch_t *watch);

void jm_files_register_hooks(apr_pool_t *p);

/* --- jm_httpd_remote.c: key sets that are fetched --- */

/* JwtMapStateDir. NULL, or what is wrong with it. */
const char *jm_remotes_set_dir(apr_pool_t *pconf, const char *dir);

void jm_remotes_register_hooks(apr_pool_t *p);

/* --- jm_httpd_remote_child.c: fetched key sets in a child --- */

/* The jm_refresh_t of a request; baton is the jm_remotes_t. Waits 2 s at
 * most. */
void jm_remotes_refresh(void *baton, const jm_authorizer_t *authorizer,
                        int has_keys);

/* Seconds after which keys may be there; authorizer and remotes may be
 * NULL. */
int jm_remotes_retry_after(const jm_remotes_t *remotes,
                           const jm_authorizer_t *authorizer);

/* How the key set of an authorizer is doing, the same in all children; its
 * newest keys are in this one then. 0: it is not fetched, or not known. */
int jm_remotes_report(jm_report_t *report, jm_remotes_t *remotes,
                      const jm_authorizer_t *authorizer);

/* --- jm_httpd_filter.c: trailers, response --- */

void jm_filter_register_hooks(apr_pool_t *p);

#endif
