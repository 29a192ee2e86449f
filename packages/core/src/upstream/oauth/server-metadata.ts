import * as z from 'zod/mini'
import { strictObject } from '../../domain/strict-json.ts'
import type { DocumentKind } from '../../mirror/copy.ts'
import { DocumentFault } from '../../mirror/fault.ts'
import { addressFault, type InsecureHosts } from '../address.ts'
import type { Endpoints } from '../hosts.ts'

/** What the discovery document of an authorization server says (OpenID Connect Discovery 1.0, 3; RFC 8414, 2), as far as it is used. */
export interface ServerMetadata {
  /** Exactly as it stands there: what `iss` must be. */
  readonly issuer: string
  /** Those that are named and can be sent to. */
  readonly endpoints: Partial<Endpoints>
  readonly jwksUrl?: string
  /** How clients may name themselves at the token endpoint, and the algorithms of their assertions. */
  readonly clientMethods: readonly string[]
  readonly assertionAlgorithms?: readonly string[]
  /** Whether each callback names the issuer (RFC 9207). */
  readonly namesIssuer: boolean
}

/** A member that cannot be used is left out: one odd member costs no sign-in. */
const text = z.catch(z.optional(z.string().check(z.minLength(1), z.maxLength(2_048))), undefined)
const texts = z.catch(z.optional(z.array(z.string().check(z.maxLength(256))).check(z.maxLength(64))), undefined)

const document = z.object({
  issuer: z.string().check(z.minLength(1), z.maxLength(2_048)),
  token_endpoint: text,
  authorization_endpoint: text,
  device_authorization_endpoint: text,
  revocation_endpoint: text,
  jwks_uri: text,
  token_endpoint_auth_methods_supported: texts,
  token_endpoint_auth_signing_alg_values_supported: texts,
  authorization_response_iss_parameter_supported: z.catch(z.optional(z.boolean()), undefined),
})

type Document = z.output<typeof document>

/** By the rules for addresses of settings: https or loopback, no credentials, no fragment (RFC 6749, 3.1 and 3.2). */
const usable = (url: string | undefined, insecure: InsecureHosts): string | undefined =>
  url !== undefined && addressFault(url, { query: 'allowed', insecure }) === undefined ? url : undefined

function metadataOf(content: Document, insecure: InsecureHosts): ServerMetadata {
  const named = {
    clientToken: content.token_endpoint,
    userToken: content.token_endpoint,
    authorize: content.authorization_endpoint,
    device: content.device_authorization_endpoint,
    revocation: content.revocation_endpoint,
  }
  const endpoints: Partial<Record<keyof Endpoints, string>> = {}
  for (const [name, url] of Object.entries(named) as [keyof Endpoints, string | undefined][]) {
    const found = usable(url, insecure)
    if (found !== undefined) endpoints[name] = found
  }
  const jwksUrl = usable(content.jwks_uri, insecure)
  const { token_endpoint_auth_methods_supported: methods } = content
  const { token_endpoint_auth_signing_alg_values_supported: algorithms } = content
  return {
    issuer: content.issuer,
    endpoints,
    ...(jwksUrl === undefined ? {} : { jwksUrl }),
    // The default of RFC 8414, 2, and of OpenID Connect Discovery 1.0, 3.
    clientMethods: methods ?? ['client_secret_basic'],
    ...(algorithms ? { assertionAlgorithms: algorithms } : {}),
    namesIssuer: content.authorization_response_iss_parameter_supported === true,
  }
}

/** The document as one that is mirrored. */
export const serverDocument = (insecure: InsecureHosts): DocumentKind<Document, ServerMetadata> => ({
  document: 'discovery document',
  subject: 'The endpoints',
  code: 'upstream_unavailable',
  remedy: 'Check that GENESYS_ISSUER is the issuer of the provider, and that it can be reached from here',
  accept: 'application/json',
  read(bytes) {
    const read = document.safeParse(strictObject(bytes))
    if (read.success) return read.data
    throw new DocumentFault('its answer is no JSON object with an issuer', { upstream: { status: 200 } })
  },
  toFact: (content) => ({ document: content }),
  fromFact: ({ document: content }) => document.safeParse(content).data,
  make: async (content) => metadataOf(content, insecure),
})
