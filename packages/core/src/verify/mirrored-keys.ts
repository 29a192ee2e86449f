import { refined, checkOptions, required, object } from '../domain/options.ts'
import { createMirroredDocument } from '../mirror/mirrored-document.ts'
import { mirrorSchemas, type MirrorOptions, timesFault } from '../mirror/options.ts'
import * as ports from '../ports/schemas.ts'
import type { Worker } from '../ports/worker.ts'
import { keySetDocument } from './key-set-document.ts'
import type { KeyMaker, KeySource } from './keys.ts'

/** How a key-set is mirrored. `url` is that of the key-set (RFC 7517, section 5). */
export interface MirroredKeysOptions extends MirrorOptions {
  /** Imports the keys: `platform.maker`. */
  readonly maker: KeyMaker
}

const mirroredSchema = refined(
  object<MirroredKeysOptions>({ ...mirrorSchemas, maker: required(ports.keyMaker) }, { open: true }),
  timesFault,
)

/**
 * A mirrored key-set. `run` refreshes it in the background; without it, the keys are refreshed as they are
 * used.
 */
export interface MirroredKeys extends KeySource, Worker {}

/**
 * Makes a key source that mirrors the key-set of a URL, for a `verifier`.
 *
 * It fetches the key-set again after at most `intervalMs`, or earlier by a shorter `max-age`: with `ETag`
 * where there is one, and with one request at a time. A token waits for a fetch only before the first one,
 * and after an interval in which none was tried. When a fetch fails, or its answer has no usable key, the
 * last keys stay for `staleMs`. Failed fetches are repeated with a growing, jittered back-off; `Retry-After`
 * is obeyed.
 *
 * @param options see `MirroredKeysOptions`
 * @returns the source. Its `keys()` rejects with `keys_unavailable` when there are no keys.
 *
 * Throws `config_invalid` for wrong options.
 * Source: RFC 7517, section 5; RFC 9111.
 *
 * @example
 * ```ts
 * import { mirroredKeys, verifier } from '@guestpass/core'
 * import { nodePorts } from '@guestpass/core/node'
 *
 * const ports = nodePorts()
 * const url = 'https://login.example.com/.well-known/jwks.json'
 * const keys = mirroredKeys({ ...ports, url, maker: ports.platform.maker })
 * const { verify } = verifier({ keys, platform: ports.platform, now: () => ports.clock.wall() })
 * console.log(await verify('no token')) // malformed: nothing is fetched
 * await ports.close()
 * ```
 */
export function mirroredKeys(options: MirroredKeysOptions): MirroredKeys {
  checkOptions('mirroredKeys', ['options', options, mirroredSchema])
  const { maker } = options
  const { current, refetch, run } = createMirroredDocument(keySetDocument(maker), options)
  return { keys: current, refetch, run }
}
