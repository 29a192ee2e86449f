import type { Explain } from '../answer.ts'
import type { OAuthEndpoints } from '../hosts.ts'
import { domains } from '../regions.ts'
import { type OAuthClient, type ClientAuthMethod, isEncodingMatter } from './client.ts'
import { optionOf } from './server.ts'

/** The parts of a refused request that its remedy depends on. */
interface RefusedRequest {
  readonly client: OAuthClient
  readonly method: ClientAuthMethod
  readonly to: keyof OAuthEndpoints
  readonly url: string
}

/** Adds to refusals what to check for this request: its address, its private key, the encoding of Basic. */
export const withHints =
  (explain: Explain, asked: RefusedRequest): Explain =>
  (refusal) => {
    const said = explain(refusal)
    if (said?.code === 'client_rejected') return { ...said, message: `${said.message}${clientAdvice(asked)}` }
    if (said?.code === 'access_denied') return { ...said, message: `${said.message}${grantAdvice(asked)}` }
    const isAbsent = refusal.status === 404 || refusal.status === 405
    return said?.code === 'upstream_rejected' && isAbsent
      ? { ...said, message: `${said.message}${addressAdvice(asked)}` }
      : said
  }

function clientAdvice({ client, method, url }: RefusedRequest): string {
  if (method === 'private_key_jwt')
    return '. Check `client.id`, and that the server knows the public key of `client.privateKey`. Check the clock of this machine too: an assertion is valid for one minute'
  if (method === 'none')
    return `. Check \`client.id\`${placeAdvice(url, 'it is')}. If the client has a secret, set \`client.secret\``
  return `. Check \`client.id\` and \`client.secret\`${placeAdvice(url, 'they are')}${encodingAdvice(client, method)}`
}

/** A client without a secret cannot ask for tokens of its own (RFC 6749, 4.4). */
const grantAdvice = ({ method, to }: RefusedRequest): string =>
  method === 'none' && to === 'clientToken'
    ? '. A client without a secret gets its tokens by the sign-in of a user: sign in first, or set `client.secret`'
    : ''

/** A valid secret gets the same answer at a wrong address. */
function placeAdvice(url: string, they: 'it is' | 'they are'): string {
  const { host, hostname } = new URL(url)
  const isPlatform = domains.some((domain) => hostname === `login.${domain}`)
  return isPlatform
    ? ", and that the region is the organisation's own: a right secret gives the same answer in a wrong region"
    : `, and that ${they} of ${host}`
}

function encodingAdvice(client: OAuthClient, method: ClientAuthMethod): string {
  if (method !== 'basic' || !isEncodingMatter(client)) return ''
  const other = (client.basicEncoding ?? 'raw') === 'raw' ? 'form' : 'raw'
  return `. The id or secret holds characters (as + % :) that servers read in two ways in Basic: try \`client.basicEncoding: '${other}'\``
}

/** The address without its query, which may hold secrets. */
function addressAdvice({ to, url }: RefusedRequest): string {
  const { origin, pathname } = new URL(url)
  return `. The request went to ${origin}${pathname}: set \`${optionOf(to)}\` to the right address, or set \`hosts.issuer\``
}
