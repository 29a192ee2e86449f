/** Loaded into an import with `--import`: retains 1 MiB of heap for each request, as an import that grows with its rows would. */
import { subscribe } from 'node:diagnostics_channel'

const MIB_OF_DOUBLES = 131_072
const retained: number[][] = []
subscribe('undici:request:create', () => {
  retained.push(Array.from({ length: MIB_OF_DOUBLES }, () => 0.5))
})
