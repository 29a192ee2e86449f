import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Random values that decide what a test does, and that no seed repeats. Keys, nonces and ids may come from
 * `crypto`: no decision depends on them.
 */
const unseeded = /\bMath\.random\b|\brandomInt\b|\bfc\.sample\(/

/** A fault for each line of these files (paths from the root) that uses unseeded randomness. */
export const unseededFaults = (root: string, files: readonly string[]): string[] =>
  files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, at) => {
        const found = /^\s*(\/\/|\*|\/\*)/.test(line) ? null : unseeded.exec(line)
        return found ? [`${file}:${at + 1}: ${found[0]} has no seed: use fast-check or seededRandom`] : []
      }),
  )
