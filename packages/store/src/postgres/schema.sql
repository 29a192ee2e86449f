create table buckets (
  connection text collate "C" not null,
  lane text collate "C" not null,
  state text not null
);
create table chain_heads (
  connection text collate "C" not null,
  chain integer not null,
  count bigint not null,
  hash text collate "C" not null,
  at double precision not null
);
create table commit_ids (
  connection text collate "C" not null,
  id text collate "C" not null,
  at double precision not null,
  is_void integer not null
);
create table credentials (
  connection text collate "C" not null,
  id text collate "C" not null,
  kind text collate "C" not null,
  generation bigint not null,
  revision bigint not null,
  standing text collate "C" not null,
  due_at double precision,
  due_set_at double precision not null,
  claimed_until double precision not null,
  claimed_at double precision not null,
  touched_at double precision not null,
  lapsed integer not null,
  subject text collate "C" not null,
  person text collate "C",
  was_personal integer not null,
  tokens bytea,
  profile bytea,
  body text not null
);
create table documents (
  connection text collate "C" not null,
  kind text collate "C" not null,
  id text collate "C" not null,
  revision bigint not null,
  value bytea not null,
  expires_at double precision,
  kept_ms double precision,
  due_at double precision,
  due_set_at double precision not null
);
create table events (
  connection text collate "C" not null,
  chain integer not null,
  count bigint not null,
  version integer not null,
  hash text collate "C" not null,
  id text collate "C" not null,
  body text not null
);
create table facts (
  connection text collate "C" not null,
  name text collate "C" not null,
  value text not null
);
create table guestpass_migration (
  name character varying(255) not null,
  timestamp character varying(255) not null
);
create table guestpass_migration_lock (
  id character varying(255) not null,
  is_locked integer not null
);
create table issued (
  connection text collate "C" not null,
  fingerprint text collate "C" not null,
  credential text collate "C" not null,
  expires_at double precision not null,
  denied integer not null
);
create table keys (
  id text collate "C" not null,
  wrapped_by text collate "C" not null,
  wrapped bytea not null,
  created_at double precision not null
);
create table leases (
  connection text collate "C" not null,
  name text collate "C" not null,
  holder text collate "C" not null,
  until double precision not null,
  ms double precision not null
);
create table migration_lease (
  name text collate "C" not null,
  owner text not null,
  fence bigint not null,
  ends_at timestamp with time zone not null
);
create table outbox (
  connection text collate "C" not null,
  sink text collate "C" not null,
  event text collate "C" not null,
  chain integer not null,
  count bigint not null,
  queued_at double precision not null,
  due_at double precision,
  set_at double precision not null,
  attempts integer not null,
  why text
);
create table profile_keys (
  connection text collate "C" not null,
  id text collate "C" not null,
  key bytea not null
);
create table store_state (
  name text collate "C" not null,
  value text not null
);
create UNIQUE INDEX buckets_pkey ON buckets USING btree (connection, lane);
create UNIQUE INDEX chain_heads_pkey ON chain_heads USING btree (connection, chain);
create INDEX commit_ids_by_time ON commit_ids USING btree (at);
create UNIQUE INDEX commit_ids_pkey ON commit_ids USING btree (connection, id);
create INDEX credentials_by_due ON credentials USING btree (connection, due_at, claimed_until, touched_at, claimed_at) WHERE (lapsed = 0);
create INDEX credentials_by_end ON credentials USING btree (connection, COALESCE((NULLIF(
CASE
    WHEN (body ~ '\\u(0000|[dD][89a-fA-F])'::text) THEN "substring"(body, '"aliveUntil":"?([^",}]*)'::text)
    ELSE COALESCE(((body)::json ->> 'aliveUntil'::text), ''::text)
END, ''::text))::double precision, (NULLIF(
CASE
    WHEN (body ~ '\\u(0000|[dD][89a-fA-F])'::text) THEN "substring"(body, '"createdAt":"?([^",}]*)'::text)
    ELSE COALESCE(((body)::json ->> 'createdAt'::text), ''::text)
END, ''::text))::double precision), id) WHERE (kind = 'guest'::text);
create INDEX credentials_by_kind ON credentials USING btree (connection, kind, id);
create INDEX credentials_by_person ON credentials USING btree (connection, person, id) WHERE (person IS NOT NULL);
create INDEX credentials_by_setting ON credentials USING btree (connection, due_set_at) WHERE ((lapsed = 0) AND (due_at IS NOT NULL));
create INDEX credentials_by_subject ON credentials USING btree (connection, subject);
create INDEX credentials_lapsed ON credentials USING btree (connection, touched_at) WHERE (lapsed = 1);
create UNIQUE INDEX credentials_pkey ON credentials USING btree (connection, id);
create INDEX credentials_unindexed ON credentials USING btree (connection, kind, id) WHERE ((profile IS NULL) <> (person IS NULL));
create INDEX documents_by_due ON documents USING btree (connection, kind, due_at) WHERE (due_at IS NOT NULL);
create INDEX documents_by_expiry ON documents USING btree (expires_at);
create INDEX documents_by_setting ON documents USING btree (connection, kind, due_set_at) WHERE (due_at IS NOT NULL);
create UNIQUE INDEX documents_pkey ON documents USING btree (connection, kind, id);
create UNIQUE INDEX events_by_id ON events USING btree (connection, id);
create INDEX events_by_subject ON events USING btree (connection, chain, (
CASE
    WHEN (body ~ '\\u(0000|[dD][89a-fA-F])'::text) THEN "substring"(body, '"subject":"?([^",}]*)'::text)
    ELSE COALESCE(((body)::json ->> 'subject'::text), ''::text)
END), count);
create UNIQUE INDEX events_pkey ON events USING btree (connection, chain, count);
create UNIQUE INDEX facts_pkey ON facts USING btree (connection, name);
create UNIQUE INDEX guestpass_migration_pkey ON guestpass_migration USING btree (name);
create UNIQUE INDEX guestpass_migration_lock_pkey ON guestpass_migration_lock USING btree (id);
create INDEX issued_by_credential ON issued USING btree (connection, credential);
create INDEX issued_by_expiry ON issued USING btree (expires_at);
create UNIQUE INDEX issued_pkey ON issued USING btree (connection, fingerprint);
create UNIQUE INDEX keys_pkey ON keys USING btree (id);
create UNIQUE INDEX leases_pkey ON leases USING btree (connection, name);
create UNIQUE INDEX migration_lease_pkey ON migration_lease USING btree (name);
create INDEX outbox_by_event ON outbox USING btree (sink, event);
create INDEX outbox_by_queue ON outbox USING btree (sink, due_at, queued_at, connection, count);
create INDEX outbox_by_setting ON outbox USING btree (sink, set_at) WHERE (due_at > (0)::double precision);
create UNIQUE INDEX outbox_pkey ON outbox USING btree (connection, sink, event);
create UNIQUE INDEX profile_keys_pkey ON profile_keys USING btree (connection, id);
create UNIQUE INDEX store_state_pkey ON store_state USING btree (name);
