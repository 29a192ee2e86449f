/**
 * A module for `--import`, a seeded bug: it retains 1 MiB of heap for each request, so that memory grows with
 * the rows.
 */
import { subscribe } from 'node:diagnostics_channel'

const MIB_OF_DOUBLES = 131_072
const retained: number[][] = []
subscribe('undici:request:create', () => {
  retained.push(Array.from({ length: MIB_OF_DOUBLES }, () => 0.5))
})
