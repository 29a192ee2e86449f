import { refined, checkOptions, required, object } from '../domain/options.ts'
import { mirroredDocument } from '../mirror/mirrored-document.ts'
import { mirrorSchemas, type MirrorOptions, timesFault } from '../mirror/options.ts'
import * as ports from '../ports/schemas.ts'
import type { Worker } from '../ports/worker.ts'
import { keySetDocument } from './key-set-document.ts'
import type { KeyMaker, KeySource } from './keys.ts'

/** How a key-set is mirrored. `url`: where it is (RFC 7517, section 5). */
export interface MirroredKeysOptions extends MirrorOptions {
  readonly maker: KeyMaker
}

const mirroredSchema = refined(
  object<MirroredKeysOptions>({ ...mirrorSchemas, maker: required(ports.keyMaker) }, { open: true }),
  timesFault,
)

/** `run` keeps the keys fresh; where it is not running, they are refreshed as they are used. */
export interface MirroredKeys extends KeySource, Worker {}

/**
 * The key-set of a URL, mirrored: asked for again after at most `intervalMs` (a shorter `max-age` is obeyed, a longer one is
 * not), by ETag where there is one, by one request at a time. Tokens never wait for a fetch except before the first one and after
 * an interval in which none was tried. When a fetch fails, or answers with no usable key, the last keys stay for `staleMs`; then
 * `keys()` rejects with `keys_unavailable`. Tries that fail are repeated with growing, jittered pauses, whatever is asked
 * meanwhile; Retry-After is obeyed. Throws `config_invalid` for wrong options.
 */
export function mirroredKeys(options: MirroredKeysOptions): MirroredKeys {
  checkOptions('mirroredKeys', ['options', options, mirroredSchema])
  const { maker } = options
  const { current, lookAgain, run } = mirroredDocument(keySetDocument(maker), options)
  return { keys: current, lookAgain, run }
}
