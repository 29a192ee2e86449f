/**
 * How secrets and personal data of tests are recognised. Tokens, keys and addresses have a shape of their own.
 * Secrets without a shape start with a marker: those of tests with `test-secret-`, those of the sandbox with
 * `sandbox-secret-`.
 */
export const MARKERS = ['test-secret-', 'sandbox-secret-'] as const

export interface Leak {
  /** What it is, such as "a JWT". */
  readonly kind: string
  /** The text before it, to find the place. The secret itself is not repeated. */
  readonly after: string
}

/** A text in base64 or base64url, at each of its three alignments, without the characters that neighbours change. */
const encoded = (text: string): readonly string[] =>
  [0, 1, 2].map((pad) =>
    Buffer.from(`${'\0'.repeat(pad)}${text}`)
      .toString('base64')
      .slice(pad === 0 ? 0 : pad + 1, -2),
  )

const kinds: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['a marked secret', new RegExp(MARKERS.join('|'))],
  ['a marked secret in base64', new RegExp(MARKERS.flatMap(encoded).join('|'))],
  ['a JWT', /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}/],
  ['a webhook secret', /\bwhsec_[A-Za-z0-9+/]{16,}/],
  ['a private key', /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----|"d"\s*:\s*"[\w-]{32,}"/],
  // Addresses of tests are at the domains that RFC 2606 reserves. "as ann@example.com" is a remedy's example.
  ['an email address', /(?<!\bas )\b[\w.+-]+@(?:[\w-]+\.)*(?:example\.(?:com|org|net)|example|test)\b/i],
]

/** One leak of each kind that a text has. */
export const leaksIn = (text: string): readonly Leak[] =>
  kinds.flatMap(([kind, pattern]) => {
    const at = text.search(pattern)
    return at < 0 ? [] : [{ kind, after: text.slice(Math.max(0, at - 60), at) }]
  })
