import { strictObject } from '../../domain/strict-json.ts'
import type { DocumentFormat } from '../../mirror/document-format.ts'
import { DocumentFault } from '../../mirror/document-fault.ts'
import { addressFault, type InsecureHosts } from '../address.ts'
import { lenient, object, type Read, type Reader, text } from '../body.ts'
import type { OAuthEndpoints } from '../hosts.ts'

/** The members of a discovery document that are used (OpenID Connect Discovery 1.0, 3; RFC 8414, 2). */
export interface ServerMetadata {
  /** Exactly as in the document: the value that `iss` must have. */
  readonly issuer: string
  /** The endpoints that the document names, and that requests may be sent to. */
  readonly endpoints: Partial<OAuthEndpoints>
  readonly jwksUrl?: string
  /** The authentication methods of the token endpoint. */
  readonly clientMethods: readonly string[]
  /** The algorithms that the server accepts for assertions. Absent if it does not say. */
  readonly assertionAlgorithms?: readonly string[]
  /** Whether each callback names the issuer (RFC 9207). */
  readonly namesIssuer: boolean
}

/** A member that cannot be used is left out, so that the others still serve. */
const address = lenient(text({ most: 2_048 }))
const names: Reader<readonly string[] | undefined> = (value) =>
  Array.isArray(value) && value.length <= 64 && value.every((one) => typeof one === 'string' && one.length <= 256)
    ? value
    : undefined

const document = object({
  issuer: text({ most: 2_048 }),
  token_endpoint: address,
  authorization_endpoint: address,
  device_authorization_endpoint: address,
  revocation_endpoint: address,
  jwks_uri: address,
  token_endpoint_auth_methods_supported: names,
  token_endpoint_auth_signing_alg_values_supported: names,
  authorization_response_iss_parameter_supported: (value) => value === true,
})

type Document = Read<typeof document>

/**
 * An address that requests may be sent to: https or loopback, without credentials and fragment (RFC 6749, 3.1
 * and 3.2).
 */
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
  const endpoints: Partial<Record<keyof OAuthEndpoints, string>> = {}
  for (const [name, url] of Object.entries(named) as [keyof OAuthEndpoints, string | undefined][]) {
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
    namesIssuer: content.authorization_response_iss_parameter_supported,
  }
}

/** How the document is fetched, stored and read. */
export const serverDocument = (insecure: InsecureHosts): DocumentFormat<Document, ServerMetadata> => ({
  document: 'discovery document',
  subject: 'The endpoints',
  code: 'upstream_unavailable',
  remedy: 'Check that `hosts.issuer` is the issuer of the provider, and that it can be reached from here',
  accept: 'application/json',
  read(bytes) {
    const content = lenient(document)(strictObject(bytes))
    if (content) return content
    throw new DocumentFault('its answer is no JSON object with an issuer', { upstream: { status: 200 } })
  },
  toFact: (content) => ({ document: content }),
  fromFact: ({ document: content }) => lenient(document)(content),
  make: async (content) => metadataOf(content, insecure),
})
