-- The users of the example, for PostgreSQL.
CREATE TABLE users (
  address text PRIMARY KEY,
  mailbox text,             -- relative to spool.path, or NULL for spool.layout
  quota   text              -- such as 2G, or NULL for quota.size
);
INSERT INTO users VALUES
  ('pat@example.org', NULL, '2G'),
  ('lee@example.org', NULL, NULL);
CREATE ROLE handoff LOGIN;
GRANT SELECT ON users TO handoff;
