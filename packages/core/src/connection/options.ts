import type { AccessOptions } from './access.ts'
import { connectionName } from '../domain/connection-name.ts'
import {
  callable,
  boolean,
  isObject,
  type OptionSchema,
  list,
  millis,
  required,
  oneOf,
  object,
  secret,
  nonEmptyText,
} from '../domain/options.ts'
import type { RenewalWindows } from '../domain/plan.ts'
import type { Millis } from '../domain/time.ts'
import { webAddress } from '../domain/web-address.ts'
import type { AuthenticatedGuestOptions } from './guest-apis.ts'
import { guestCode } from './guests-on-demand.ts'
import { standardSchema, type PolicyOptions } from '../policy/standard.ts'
import type { Clock } from '../ports/clock.ts'
import type { Http } from '../ports/http.ts'
import * as schemas from '../ports/schemas.ts'
import type { Random } from '../ports/random.ts'
import type { Store } from '../ports/store.ts'
import type { UnsavedTokens } from '../tokens/renewal/commit-until-stored.ts'
import { hostsSchema } from '../upstream/hosts.ts'
import type { OAuthClient } from '../upstream/oauth/client.ts'
import { freeParams } from '../upstream/oauth/params.ts'
import type { Platform } from '../verify/platform.ts'
import { pinSchemas } from '../verify/verifier-options.ts'
import type { VerificationOptions } from './verification.ts'

/** The options of `connection`: one upstream organisation and one OAuth client. */
export interface ConnectionOptions
  extends Omit<VerificationOptions, 'keys' | 'accessKeys'>,
    AccessOptions,
    AuthenticatedGuestOptions {
  /**
   * The keys of guest tokens, as one or more PEM blocks. If the hosts name a key-set too, it verifies tokens
   * that none of these keys fits, and access tokens. Default: the key-set of the hosts alone.
   */
  readonly publicKey?: string
  /**
   * Set it to true if the API host is one of Genesys Cloud's public hosts and offers the documented guest APIs
   * all the same. With false, calls for guests reject with `api_not_public` on such a host. Default: false.
   */
  readonly gateway?: boolean
  /** Limits, deadlines, retries and circuit breaker of upstream calls. Default: see `PolicyOptions`. */
  readonly policy?: PolicyOptions
  /** How long before its expiry a token is renewed. Default: see `RenewalWindows`. */
  readonly windows?: RenewalWindows
}

/** What a connection needs from its environment. `nodePorts` and `webPorts` make all but the store. */
export interface ConnectionPorts {
  /** Keeps credentials, events and coordination. Processes that share it share their tokens. */
  readonly store: Store
  /** Time, for expiry, time-outs and back-offs. */
  readonly clock: Clock
  /** Random numbers, ids and keys. */
  readonly random: Random
  /** Sends requests to the upstream. */
  readonly http: Http
  /** Cryptography: hashes, and imports and checks of keys. */
  readonly platform: Platform
  /** The name of this process as the holder of leases in the store. Default: a random id. */
  readonly holder?: string
  /** Called about every 5 s while received tokens cannot be stored. Default: nothing is called. */
  readonly onUnsaved?: (waiting: UnsavedTokens) => void
  /**
   * How long a call retries to store received tokens, in milliseconds, at least 0. Then it rejects with
   * `in_doubt` and the tokens as `error.unsaved`. Default: as long as the process lives.
   */
  readonly unsavedMs?: Millis
}

const WINDOW = 'Give a function from the lifetime of a token to milliseconds before its end.'

/** The schemas of the options, besides `tokenFormat`. */
const optionSchemas = {
  name: connectionName,
  ...pinSchemas,
  hosts: required(hostsSchema),
  client: required(
    object<OAuthClient>(
      {
        id: required(nonEmptyText),
        secret,
        basicEncoding: oneOf('raw', 'form'),
        privateKey: secret,
        keyId: nonEmptyText,
      },
      { remedy: 'Give { id, secret: new Secret(text) }; a public client has no secret.' },
    ),
  ),
  clientAuth: oneOf('auto', 'basic', 'body', 'none', 'private_key_jwt'),
  authorizeParams: freeParams('authorize'),
  tokenParams: freeParams('token'),
  scopes: list(nonEmptyText, 0, "Give a list of scopes, as ['user:read']."),
  accessTokenFormat: oneOf('auto', 'jwt', 'opaque'),
  refreshToken: secret,
  refreshProfile: oneOf('strict', 'grace'),
  graceMs: millis(0),
  crmUrl: webAddress,
  preflight: oneOf('before', 'on-403', 'off'),
  onDuplicate: oneOf('reject', 'reuse', 'replace'),
  publicKey: nonEmptyText,
  gateway: boolean,
  policy: standardSchema,
  windows: object<RenewalWindows>({ advisory: required(callable(WINDOW)), mandatory: required(callable(WINDOW)) }),
}

/**
 * The schema of the options. The names of guest APIs are in the code for guests, which is loaded only to
 * check `tokenFormat`.
 */
export const connectionSchema = async (options: unknown): Promise<OptionSchema> =>
  object<ConnectionOptions>({
    ...optionSchemas,
    tokenFormat:
      isObject(options) && options['tokenFormat'] !== undefined ? (await guestCode()).tokenFormatSchema : boolean,
  })

/** The schema of the ports. */
export const connectionPorts: OptionSchema = object<ConnectionPorts>(
  {
    store: schemas.connectionStore,
    clock: required(schemas.clock),
    random: required(schemas.random),
    http: required(schemas.http),
    platform: required(schemas.platform),
    holder: nonEmptyText,
    onUnsaved: callable('Give a function, or leave it out.'),
    unsavedMs: millis(0, Number.POSITIVE_INFINITY),
  },
  { open: true },
)
