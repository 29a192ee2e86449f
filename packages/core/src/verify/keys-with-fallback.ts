import { andThen } from './maybe-promise.ts'
import type { KeySet, KeySource } from './keys.ts'
import type { MirroredKeys } from './mirrored-keys.ts'

/**
 * Makes a key source of given keys with a mirrored key-set as the fallback. The key-set is fetched for the
 * first token that none of the given keys fits, and not before. From then on both are used, the given keys
 * first. Where the key-set is unavailable, tokens of the given keys are verified all the same, and
 * `refetch` rejects with `keys_unavailable`.
 */
export function createKeysWithFallback(given: KeySource, mirrored: MirroredKeys): MirroredKeys {
  let isAsked = false
  let generation = 0
  let last: { readonly first: KeySet; readonly second: KeySet | undefined; readonly set: KeySet } | undefined

  const joined = (first: KeySet, second?: KeySet): KeySet => {
    if (last?.first === first && last.second === second) return last.set
    generation += 1
    const set = { ...first, generation, ...(second ? { fallback: { ...second, generation } } : {}) }
    last = { first, second, set }
    return set
  }

  const current = (first: KeySet): KeySet | Promise<KeySet> => {
    if (!isAsked) return joined(first)
    const second = mirrored.keys()
    if (!(second instanceof Promise)) return joined(first, second)
    return second.then(
      (set) => joined(first, set),
      () => joined(first),
    )
  }

  return {
    keys: () => andThen(given.keys(), current),

    async refetch() {
      const isFirst = !isAsked
      const isOther = !isFirst && (await mirrored.refetch())
      await mirrored.keys()
      isAsked = true
      return isFirst || isOther
    },

    run: mirrored.run,
  }
}
