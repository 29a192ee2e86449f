import type * as z from 'zod'
import * as kinds from './kinds.ts'
import { tokenFormatSettings } from './token-format-settings.ts'

/**
 * One setting. `guestpass config`, docs/configuration.md, flags and faults are made from the table of settings.
 * The key of a setting is its first name without GENESYS_ or GUESTPASS_, in camel case.
 */
export interface Setting<Kind extends z.ZodType<unknown, string> = z.ZodType<unknown, string>> {
  /** The name of the variable, then its aliases. */
  readonly names: readonly [string, ...string[]]
  /** Whether the setting belongs to a connection (one organisation), or to the program. */
  readonly of: 'connection' | 'program'
  /** What the setting is, as a phrase. */
  readonly about: string
  /** The values that can be written, as a phrase that follows "Write" in a remedy. */
  readonly write: string
  /** The default, as a user would write it. */
  readonly fallback?: string
  /** The setting has no flag, because others can read the command line of a process. */
  readonly secret?: true
  /** A file may hold the value, because it may hold a secret. It has a flag all the same. Secrets always can. */
  readonly inFile?: true
  /** The zod schema that parses the written text. */
  readonly kind: Kind
}

/** Gives a setting the exact type of its kind. */
const define = <const S extends Setting>(setting: S): S => setting
const url = 'an https:// address'

/** Every setting by its key, in the order of the documentation. */
export const settings = {
  region: define({
    names: ['GENESYS_REGION'],
    of: 'connection',
    about: 'Region of Genesys Cloud',
    write: "a region's domain or name, as mypurecloud.ie or eu-west-1",
    kind: kinds.text,
  }),
  env: define({
    names: ['GENESYS_ENV'],
    of: 'connection',
    about: 'Region of Genesys Cloud, if GENESYS_REGION is not set',
    write: "a region's domain or name, as mypurecloud.ie or eu-west-1",
    kind: kinds.text,
  }),
  oauthBaseUrl: define({
    names: ['GENESYS_OAUTH_BASE_URL'],
    of: 'connection',
    about: 'Address of the OAuth server, if it is not that of a region',
    write: `${url} (http:// on loopback), a path prefix included`,
    kind: kinds.text,
  }),
  baseUrl: define({
    names: ['GENESYS_BASE_URL'],
    of: 'connection',
    about:
      'Address of one gateway for both OAuth and API; GENESYS_OAUTH_BASE_URL and GENESYS_API_BASE_URL come before it',
    write: `${url} (http:// on loopback), a path prefix included`,
    kind: kinds.text,
  }),
  issuer: define({
    names: ['GENESYS_ISSUER'],
    of: 'connection',
    about:
      'Issuer of an OpenID provider: endpoints without a setting of their own come from its discovery document, and tokens of a sign-in must be of this issuer',
    write: "the issuer's https:// address (http:// on loopback)",
    kind: kinds.text,
  }),
  apiBaseUrl: define({
    names: ['GENESYS_API_BASE_URL'],
    of: 'connection',
    about: 'Address of the API, if it is not that of a region',
    write: `${url} (http:// on loopback), a path prefix included`,
    kind: kinds.text,
  }),
  tokenPath: define({
    names: ['GENESYS_TOKEN_PATH'],
    of: 'connection',
    about: 'The token endpoint (unset: that of GENESYS_ISSUER, else `/oauth/token`)',
    write: 'a path, as /oauth/token, or an address in full',
    kind: kinds.text,
  }),
  userTokenPath: define({
    names: ['GENESYS_USER_TOKEN_PATH'],
    of: 'connection',
    about:
      'The token endpoint for grants other than client credentials (unset: GENESYS_TOKEN_PATH, that of GENESYS_ISSUER, else `/oauth/token` on a region, `/api/v2/oauth/token` on a base URL)',
    write: 'a path, as /api/v2/oauth/token, or an address in full',
    kind: kinds.text,
  }),
  authorizePath: define({
    names: ['GENESYS_AUTHORIZE_PATH'],
    of: 'connection',
    about:
      'Where users are sent to sign in (unset: that of GENESYS_ISSUER, else `authorize` beside the token endpoint)',
    write: 'a path, as /auth, or an address in full',
    kind: kinds.text,
  }),
  devicePath: define({
    names: ['GENESYS_DEVICE_PATH'],
    of: 'connection',
    about:
      'Where a device asks for a code (unset: that of GENESYS_ISSUER, else `device_authorization` beside the token endpoint)',
    write: 'a path, as /device/auth, or an address in full',
    kind: kinds.text,
  }),
  revocationPath: define({
    names: ['GENESYS_REVOCATION_PATH'],
    of: 'connection',
    about: 'Where tokens are revoked (unset: that of GENESYS_ISSUER, else `revoke` beside the token endpoint)',
    write: 'a path, as /token/revocation, or an address in full',
    kind: kinds.text,
  }),
  authorizeParams: define({
    names: ['GENESYS_AUTHORIZE_PARAMS'],
    of: 'connection',
    about: 'Further parameters of requests to sign in, by browser and by device',
    write: 'name=value, several joined by &, as prompt=consent&audience=https%3A%2F%2Fapi.example.com',
    kind: kinds.params('authorize'),
  }),
  tokenParams: define({
    names: ['GENESYS_TOKEN_PARAMS'],
    of: 'connection',
    about: 'Further parameters of token requests',
    write: 'name=value, several joined by &, as resource=https%3A%2F%2Fapi.example.com',
    kind: kinds.params('token'),
  }),
  gateway: define({
    names: ['GENESYS_GATEWAY'],
    of: 'connection',
    about: 'Whether the documented guest APIs are offered although the API is on a public host of Genesys Cloud',
    write: 'true or false',
    fallback: 'false',
    kind: kinds.yesNo,
  }),
  clientId: define({
    names: ['GENESYS_CLIENT_ID', 'GENESYS_OAUTH_CLIENT_ID'],
    of: 'connection',
    about: 'Id of the OAuth client',
    write: "the OAuth client's id",
    kind: kinds.text,
  }),
  clientSecret: define({
    names: ['GENESYS_CLIENT_SECRET', 'GENESYS_OAUTH_CLIENT_SECRET'],
    of: 'connection',
    about: 'Secret of the OAuth client; without one it is a public client',
    write: "the OAuth client's secret",
    secret: true,
    kind: kinds.secret,
  }),
  clientAuth: define({
    names: ['GENESYS_CLIENT_AUTH'],
    of: 'connection',
    about:
      'How the client names itself: `auto` is GENESYS_PRIVATE_KEY where it is set, else what the document of GENESYS_ISSUER names, else Basic on hosts of Genesys Cloud and the form body elsewhere, the other way being tried once',
    write: 'auto, basic, body, none or private_key_jwt',
    fallback: 'auto',
    kind: kinds.oneOf('auto', 'basic', 'body', 'none', 'private_key_jwt'),
  }),
  privateKey: define({
    names: ['GENESYS_PRIVATE_KEY'],
    of: 'connection',
    about: 'Key with which the client signs assertions in place of a secret (RFC 7523)',
    write:
      'a private key in PKCS #8 (-----BEGIN PRIVATE KEY-----) of RSA, P-256 or Ed25519, its lines ended by line feeds or by \\n',
    secret: true,
    kind: kinds.privateKey,
  }),
  basicEncoding: define({
    names: ['GENESYS_BASIC_ENCODING'],
    of: 'connection',
    about: 'How Basic carries id and secret: as they are, or form-encoded (RFC 6749, appendix B)',
    write: 'raw or form',
    fallback: 'raw',
    kind: kinds.oneOf('raw', 'form'),
  }),
  scopes: define({
    names: ['GENESYS_SCOPES'],
    of: 'connection',
    about: 'Scopes that are asked for with every access token; default: for each operation those that it needs',
    write: 'scopes separated by spaces or commas',
    kind: kinds.scopes,
  }),
  redirectUri: define({
    names: ['GENESYS_REDIRECT_URI'],
    of: 'connection',
    about: 'Redirect address of a sign-in, registered with the OAuth client',
    write: `${url} (http:// on loopback)`,
    kind: kinds.safeAddress,
  }),
  refreshToken: define({
    names: ['GENESYS_REFRESH_TOKEN'],
    of: 'connection',
    about: 'Refresh token that the connection begins with; later ones are in the store',
    write: 'the refresh token',
    secret: true,
    kind: kinds.secret,
  }),
  refreshProfile: define({
    names: ['GENESYS_REFRESH_PROFILE'],
    of: 'connection',
    about:
      'What upstream does with a refresh token that comes twice: `strict` ends the sign-in, `grace` gives the same answer for a while',
    write: 'strict or grace',
    fallback: 'strict',
    kind: kinds.oneOf('strict', 'grace'),
  }),
  refreshGraceSeconds: define({
    names: ['GENESYS_REFRESH_GRACE_SECONDS'],
    of: 'connection',
    about: 'How long the upstream gives the same answer, if the profile is `grace`',
    write: 'a whole number of seconds from 1 to 3600',
    fallback: '30',
    kind: kinds.whole(1, 3_600),
  }),
  accessTokenFormat: define({
    names: ['GENESYS_ACCESS_TOKEN_FORMAT'],
    of: 'connection',
    about: 'Whether access tokens are JWTs, which are verified, or opaque, which are not; `auto` decides by each token',
    write: 'auto, jwt or opaque',
    fallback: 'auto',
    kind: kinds.oneOf('auto', 'jwt', 'opaque'),
  }),
  publicKey: define({
    names: ['GENESYS_PUBLIC_KEY'],
    of: 'connection',
    about: 'Keys of guest tokens; with `GENESYS_JWKS_URL` too, that key-set is fetched if none of them fits',
    write: 'one or more PEM blocks (PUBLIC KEY, RSA PUBLIC KEY, CERTIFICATE), lines ended by line feeds or by \\n',
    kind: kinds.publicKey,
  }),
  jwksUrl: define({
    names: ['GENESYS_JWKS_URL'],
    of: 'connection',
    about:
      'Address of the key-set (unset: that of GENESYS_ISSUER, else `/.well-known/jwks.json` on the OAuth server); with GENESYS_ISSUER that of guest tokens',
    write: `${url} (http:// on loopback)`,
    kind: kinds.address,
  }),
  tokenAlgorithms: define({
    names: ['GENESYS_TOKEN_ALGORITHMS'],
    of: 'connection',
    about: 'Signature algorithms that are accepted (unset: RS256; of the keys of GENESYS_ISSUER, all of them)',
    write: 'some of RS256, PS256, ES256, EdDSA, separated by commas',
    kind: kinds.algorithms,
  }),
  tokenIssuer: define({
    names: ['GENESYS_TOKEN_ISSUER'],
    of: 'connection',
    about: 'What the `iss` claim of tokens must be (unset: anything)',
    write: 'the issuer as tokens name it',
    kind: kinds.text,
  }),
  tokenAudience: define({
    names: ['GENESYS_TOKEN_AUDIENCE'],
    of: 'connection',
    about: 'What the `aud` claim of tokens must hold (unset: anything)',
    write: 'the audience as tokens name it',
    kind: kinds.text,
  }),
  tokenOrganization: define({
    names: ['GENESYS_TOKEN_ORGANIZATION'],
    of: 'connection',
    about: 'The organisation that tokens must name (unset: any)',
    write: "the organisation's id as tokens name it",
    kind: kinds.text,
  }),
  rateLimit: define({
    names: ['GENESYS_RATE_LIMIT'],
    of: 'connection',
    about: 'The most requests a minute that the connection sends',
    write: 'a whole number from 1 to 1000000',
    fallback: '300',
    kind: kinds.whole(1, 1_000_000),
  }),
  channelId: define({
    names: ['GENESYS_CHANNEL_ID'],
    of: 'connection',
    about: 'Channel of authenticated guests, if a request names none',
    write: "the channel's id",
    kind: kinds.text,
  }),
  preflight: define({
    names: ['GENESYS_PREFLIGHT'],
    of: 'connection',
    about: 'When a channel is checked: before a guest is authenticated on it, only to explain a 403, or never',
    write: 'before, on-403 or off',
    fallback: 'before',
    kind: kinds.oneOf('before', 'on-403', 'off'),
  }),
  duplicates: define({
    names: ['GENESYS_DUPLICATES'],
    of: 'connection',
    about:
      'What a request gets for an address that has a session, if it does not say; `reuse` and `replace` are for verified addresses',
    write: 'reject, reuse or replace',
    fallback: 'reject',
    kind: kinds.oneOf('reject', 'reuse', 'replace'),
  }),
  ...tokenFormatSettings,
  deploymentId: define({
    names: ['GENESYS_DEPLOYMENT_ID'],
    of: 'connection',
    about: 'Messenger deployment that guests come through',
    write: "the deployment's id, a UUID",
    kind: kinds.uuid,
  }),
  idpWebhookUrl: define({
    names: ['IDP_WEBHOOK_URL'],
    of: 'connection',
    about: 'Webhook of the identity provider, for renewed guest tokens',
    write: url,
    kind: kinds.address,
  }),
  idpWebhookIncludeToken: define({
    names: ['IDP_WEBHOOK_INCLUDE_TOKEN'],
    of: 'connection',
    about: 'Whether the new guest token itself is sent to the identity provider, over https:// or loopback',
    write: 'true or false',
    fallback: 'false',
    kind: kinds.yesNo,
  }),
  idmWebhookUrl: define({
    names: ['IDM_WEBHOOK_URL'],
    of: 'connection',
    about: 'Webhook of identity management, for renewed access tokens',
    write: url,
    kind: kinds.address,
  }),
  analyticsWebhookUrl: define({
    names: ['ANALYTICS_WEBHOOK_URL'],
    of: 'connection',
    about: 'Webhook of analytics, for guests that were authenticated',
    write: url,
    kind: kinds.address,
  }),
  webhookSecret: define({
    names: ['WEBHOOK_SECRET'],
    of: 'connection',
    about:
      'Signs webhooks (Standard Webhooks); several, separated by commas, while one replaces another (unset: one is made and kept in the store)',
    write: 'whsec_ followed by base64 of 24 to 64 bytes, as from: echo "whsec_$(openssl rand -base64 32)"',
    secret: true,
    kind: kinds.webhookSecrets,
  }),
  crmBaseUrl: define({
    names: ['CRM_BASE_URL'],
    of: 'connection',
    about: 'Address of the CRM that enriches authenticated guests; profiles are at `/profiles?email=` below it',
    write: url,
    kind: kinds.address,
  }),
  databaseUrl: define({
    names: ['GUESTPASS_DATABASE_URL'],
    of: 'program',
    about: 'The database; its flag is `--database`',
    write: 'the path of a file, or a postgres:// address',
    inFile: true,
    fallback: './.guestpass/guestpass.db',
    kind: kinds.database,
  }),
  encryptionKey: define({
    names: ['GUESTPASS_ENCRYPTION_KEY'],
    of: 'program',
    about:
      'Keys that seal secrets at rest, the first for what is written now (unset: a key file is made beside the embedded database; PostgreSQL requires it)',
    write: 'base64 of 32 bytes, as from: openssl rand -base64 32 (several separated by commas)',
    secret: true,
    kind: kinds.encryptionKeys,
  }),
  apiKeys: define({
    names: ['GUESTPASS_API_KEYS'],
    of: 'program',
    about: 'Keys of the service: roles issuer, verifier, operator, auditor, metrics, connection',
    write: 'role:key, role:connection:key or role:connection:group:key, separated by commas',
    secret: true,
    kind: kinds.apiKeys,
  }),
  apiKeyQuota: define({
    names: ['GUESTPASS_API_KEY_QUOTA'],
    of: 'program',
    about: 'Requests a minute that one API key may send to the service, all instances together; 0: no limit',
    write: 'a whole number from 0 to 1000000',
    fallback: '0',
    kind: kinds.whole(0, 1_000_000),
  }),
  publicUrl: define({
    names: ['GUESTPASS_PUBLIC_URL'],
    of: 'program',
    about: 'Address under which browsers reach the service, for the links and callbacks of sign-ins',
    write: `${url} (http:// on loopback), a path prefix included`,
    kind: kinds.address,
  }),
  trustedProxies: define({
    names: ['GUESTPASS_TRUSTED_PROXIES'],
    of: 'program',
    about: 'Proxies whose X-Forwarded headers the service believes; behind a proxy no caller counts as loopback',
    write: 'addresses or networks separated by commas, each as 10.0.0.1 or 10.0.0.0/8',
    kind: kinds.networks,
  }),
  corsOrigins: define({
    names: ['GUESTPASS_CORS_ORIGINS'],
    of: 'program',
    about: 'Origins of pages that may call the service from a browser (unset: none)',
    write: 'origins separated by commas, each as https://www.example.com',
    kind: kinds.origins,
  }),
  drainSeconds: define({
    names: ['GUESTPASS_DRAIN_SECONDS'],
    of: 'program',
    about:
      'How many seconds the service goes on to answer after it was asked to stop, while `/readyz` says 503: as long as load balancers need to notice',
    write: 'a whole number of seconds from 0 to 300',
    fallback: '1',
    kind: kinds.whole(0, 300),
  }),
  patienceSeconds: define({
    names: ['GUESTPASS_PATIENCE_SECONDS'],
    of: 'program',
    about: 'How many seconds a command waits for a token or a guest (unset: about 30); its flag is `--patience`',
    write: 'a whole number of seconds from 1 to 3600',
    kind: kinds.whole(1, 3_600),
  }),
  insecureHosts: define({
    names: ['GUESTPASS_INSECURE_HOSTS'],
    of: 'program',
    about:
      'Hosts that are reached over plain http although they are not loopback: secrets and tokens travel to them in clear, which is warned of at every start',
    write: 'hosts separated by commas, each as gateway.internal or gateway.internal:8080',
    kind: kinds.hostNames,
  }),
  retentionDays: define({
    names: ['GUESTPASS_RETENTION_DAYS'],
    of: 'program',
    about:
      'How many days audit records are kept, and with them dead letters and what is left of removed guests; 0: for ever',
    write: 'a whole number of days from 0 to 3650',
    fallback: '400',
    kind: kinds.whole(0, 3_650),
  }),
  endedGuestDays: define({
    names: ['GUESTPASS_ENDED_GUEST_DAYS'],
    of: 'program',
    about: 'How many days guests are kept after their last token expired; 0: for ever',
    write: 'a whole number of days from 0 to 3650',
    fallback: '30',
    kind: kinds.whole(0, 3_650),
  }),
  auditFile: define({
    names: ['GUESTPASS_AUDIT_FILE'],
    of: 'program',
    about: 'File that audit records are appended to, one JSON line each',
    write: 'the path of a file',
    kind: kinds.text,
  }),
} satisfies Record<string, Setting>
