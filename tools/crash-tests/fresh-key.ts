/**
 * A module for `--import`, a seeded bug: every try of a refresh is sent with an Idempotency-Key of its own.
 */
import { onRefresh } from './refresh-traffic.ts'

onRefresh('create', ({ headers }) => {
  const name = headers.findIndex((header, at) => at % 2 === 0 && header.toLowerCase() === 'idempotency-key')
  if (name >= 0) headers[name + 1] = crypto.randomUUID()
})
