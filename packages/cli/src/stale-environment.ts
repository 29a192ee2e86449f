import type { Contradiction } from '@guestpass/runtime'

/** The variables of the environment that differ from a file, each once. */
export const staleVariables = (contradictions: readonly Contradiction[]): readonly string[] => [
  ...new Set(contradictions.flatMap(({ used: { name, origin } }) => (origin === 'environment' ? name : []))),
]

/**
 * Says which variables of the environment differ from a file, as those of an old terminal, and what to do: a clause
 * that shows no value. Undefined if none differs.
 */
export function staleEnvironment(contradictions: readonly Contradiction[]): string | undefined {
  const [first, ...others] = staleVariables(contradictions)
  const origins = contradictions.filter(({ used }) => used.origin === 'environment').map(({ unused }) => unused.origin)
  if (first === undefined) return undefined
  const files = [...new Set(origins)].join(' and ')
  const [names, values] =
    others.length === 0
      ? [`${first} comes`, 'another value']
      : [`${first} and ${others.length} more come`, 'other values']
  const verb = files.includes(' and ') ? 'have' : 'has'
  return `${names} from the environment; ${files} ${verb} ${values}: \`unset ${[first, ...others].join(' ')}\`, or use a new terminal`
}
