/**
 * How secrets and personal data of tests are recognised. Tokens, keys and addresses have a shape of their own.
 * Secrets without a shape start with a marker: those of tests with `test-secret-`, those of the sandbox with
 * `sandbox-secret-`.
 */
const MARKERS = ['test-secret-', 'sandbox-secret-'] as const

interface Leak {
  /** What it is, such as "a JWT". */
  readonly kind: string
  /** The text before it, to find the place. The secret itself is not repeated. */
  readonly after: string
}

/** A text in base64, at each of its three alignments, without the characters that depend on its neighbours. */
const encoded = (text: string): readonly string[] =>
  [0, 1, 2].map((before) =>
    Buffer.from(`${'\0'.repeat(before)}${text}`)
      .toString('base64')
      .replace(/.=+$/, '')
      .slice(before === 0 ? 0 : before + 1),
  )

const kinds: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['a marked secret', new RegExp(MARKERS.join('|'))],
  ['a marked secret in base64', new RegExp(MARKERS.flatMap(encoded).join('|'))],
  ['a JWT', /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}/],
  ['a webhook secret', /\bwhsec_[A-Za-z0-9+/]{16,}/],
  ['an API key', /\bgp[kr]_(?:[\da-f]{16}_)?[\w-]{43}/],
  ['a private key', /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----(?:\s|\\n)*[A-Za-z0-9+/]{16}|"d"\s*:\s*"[\w-]{32,}"/],
  // Addresses of tests are at the domains that RFC 2606 reserves. "as ann@example.com" is a remedy's example.
  ['an email address', /(?<!\bas )\b[\w.+-]+@(?:[\w-]+\.)*(?:example\.(?:com|org|net)|example|test)\b/i],
]

/** The first leak of each kind in a text. */
export const leaksIn = (text: string): readonly Leak[] =>
  kinds.flatMap(([kind, pattern]) => {
    const at = text.search(pattern)
    return at < 0 ? [] : [{ kind, after: text.slice(Math.max(0, at - 60), at) }]
  })
