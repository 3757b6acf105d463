/* SPDX-License-Identifier: MIT
 * Inside of the room `manager`: one handler a route. Each is named in the table of router.c. */
#ifndef MSEQ_MANAGER_ROUTES_H
#define MSEQ_MANAGER_ROUTES_H

#include "manager_private.h"

/* projects.c */
mseq_status manager_list_projects(manager_call *call, mseq_error *err);
mseq_status manager_get_project(manager_call *call, mseq_error *err);
mseq_status manager_user_details(manager_call *call, mseq_error *err);
mseq_status manager_user(manager_call *call, mseq_error *err);

/* data_sources.c */
mseq_status manager_list_data_sources(manager_call *call, mseq_error *err);
mseq_status manager_get_data_source(manager_call *call, mseq_error *err);
/* migration_connection.c */
mseq_status manager_migration_connection(manager_call *call, mseq_error *err);

/* data_source_admin.c */
mseq_status manager_admin_list_sources(manager_call *call, mseq_error *err);
mseq_status manager_admin_add_source(manager_call *call, mseq_error *err);
mseq_status manager_admin_patch_source(manager_call *call, mseq_error *err);
mseq_status manager_admin_test_source(manager_call *call, mseq_error *err);
mseq_status manager_admin_remove_source(manager_call *call, mseq_error *err);

/* tables.c */
mseq_status manager_list_tables(manager_call *call, mseq_error *err);
mseq_status manager_filter_tables(manager_call *call, mseq_error *err);
mseq_status manager_get_table(manager_call *call, mseq_error *err);
mseq_status manager_patch_table(manager_call *call, mseq_error *err);
/* delete.c */
mseq_status manager_delete_table(manager_call *call, mseq_error *err);
/* reserve.c */
mseq_status manager_reserve_tables(manager_call *call, mseq_error *err);
/* register.c */
mseq_status manager_register_table(manager_call *call, mseq_error *err);
/* validate.c */
mseq_status manager_validate_contract(manager_call *call, mseq_error *err);
mseq_status manager_validate_table_contract(manager_call *call, mseq_error *err);
/* introspect.c, finalize.c */
mseq_status manager_introspect_table(manager_call *call, mseq_error *err);
mseq_status manager_finalize_tables(manager_call *call, mseq_error *err);
/* graph.c, search.c, label_routes.c */
mseq_status manager_schema_graph(manager_call *call, mseq_error *err);
mseq_status manager_description_search(manager_call *call, mseq_error *err);
mseq_status manager_column_search(manager_call *call, mseq_error *err);
mseq_status manager_refresh_search(manager_call *call, mseq_error *err);
mseq_status manager_add_labels(manager_call *call, mseq_error *err);
mseq_status manager_remove_labels(manager_call *call, mseq_error *err);
/* operation_log.c */
mseq_status manager_list_operations(manager_call *call, mseq_error *err);

/* execute.c, run_query.c */
mseq_status manager_execute_operation(manager_call *call, mseq_error *err);
mseq_status manager_stream_operation(manager_call *call, mseq_error *err);
mseq_status manager_run_query(manager_call *call, mseq_error *err);
/* authentication.c: tokens for a password, a refresh token, a runtime credential; and their end */
mseq_status manager_login(manager_call *call, mseq_error *err);
mseq_status manager_refresh(manager_call *call, mseq_error *err);
mseq_status manager_logout(manager_call *call, mseq_error *err);
mseq_status manager_revoke(manager_call *call, mseq_error *err);
mseq_status manager_exchange_credential(manager_call *call, mseq_error *err);
/* authorize.c */
mseq_status manager_authorize_page(manager_call *call, mseq_error *err);
mseq_status manager_authorize(manager_call *call, mseq_error *err);
mseq_status manager_exchange_code(manager_call *call, mseq_error *err);
/* sharing.c */
mseq_status manager_add_to_view(manager_call *call, mseq_error *err);
mseq_status manager_add_to_edit(manager_call *call, mseq_error *err);
mseq_status manager_remove_from_view(manager_call *call, mseq_error *err);
mseq_status manager_remove_from_edit(manager_call *call, mseq_error *err);
mseq_status manager_add_team_to_view(manager_call *call, mseq_error *err);
mseq_status manager_add_team_to_edit(manager_call *call, mseq_error *err);
mseq_status manager_remove_team_from_view(manager_call *call, mseq_error *err);
mseq_status manager_remove_team_from_edit(manager_call *call, mseq_error *err);
mseq_status manager_can_view(manager_call *call, mseq_error *err);
mseq_status manager_can_edit(manager_call *call, mseq_error *err);
/* users.c, teams.c, token_routes.c */
mseq_status manager_list_users(manager_call *call, mseq_error *err);
mseq_status manager_create_user(manager_call *call, mseq_error *err);
mseq_status manager_get_user(manager_call *call, mseq_error *err);
mseq_status manager_patch_user(manager_call *call, mseq_error *err);
mseq_status manager_set_password(manager_call *call, mseq_error *err);
mseq_status manager_list_teams(manager_call *call, mseq_error *err);
mseq_status manager_create_team(manager_call *call, mseq_error *err);
mseq_status manager_get_team(manager_call *call, mseq_error *err);
mseq_status manager_patch_team(manager_call *call, mseq_error *err);
mseq_status manager_delete_team(manager_call *call, mseq_error *err);
mseq_status manager_add_member(manager_call *call, mseq_error *err);
mseq_status manager_remove_member(manager_call *call, mseq_error *err);
mseq_status manager_list_tokens(manager_call *call, mseq_error *err);
mseq_status manager_create_token(manager_call *call, mseq_error *err);
mseq_status manager_delete_token(manager_call *call, mseq_error *err);
/* series_routes.c */
mseq_status manager_read_range(manager_call *call, mseq_error *err);
mseq_status manager_read_range_by_identifier(manager_call *call, mseq_error *err);
mseq_status manager_last_observation(manager_call *call, mseq_error *err);
mseq_status manager_series_get_stats(manager_call *call, mseq_error *err);
mseq_status manager_delete_after(manager_call *call, mseq_error *err);

#endif
