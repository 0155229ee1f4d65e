#!/bin/sh
# Runs once, when the database volume is new: one database for Ingestio, owned by a login that only `ingestio migrate` uses, and a login
# for Temporal, which makes its own databases. The application's login is made by `ingestio migrate`.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner_password="$INGESTIO_OWNER_PASSWORD" --set temporal_password="$TEMPORAL_DB_PASSWORD" <<'SQL'
CREATE ROLE ingestio_owner LOGIN CREATEROLE PASSWORD :'owner_password';
CREATE DATABASE ingestio OWNER ingestio_owner;
CREATE ROLE temporal LOGIN CREATEDB PASSWORD :'temporal_password';
SQL
