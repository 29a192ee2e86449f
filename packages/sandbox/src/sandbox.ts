import type { AddressInfo } from 'node:net'
import { ZodError } from 'zod'
import { createAccess } from './access.ts'
import { createServer } from './app.ts'
import type { ChannelOptions } from './channels/channels.ts'
import { createClock } from './clock.ts'
import type { Endpoint } from './endpoint.ts'
import { profilesEndpoint } from './crm/profiles.ts'
import { environmentVariables } from './environment.ts'
import { type Fault, createFaults } from './faults.ts'
import { createGuestJwt } from './guest-jwt.ts'
import { createGuestEndpoints } from './guest-endpoints.ts'
import { generateTokenEndpoint } from './guest-tokens/generate-token.ts'
import { createGuests } from './guest-tokens/guests.ts'
import { createIdempotencyKeys } from './guest-tokens/idempotency.ts'
import { refreshTokenEndpoint } from './guest-tokens/refresh.ts'
import { createJournal, type JournalEntry } from './journal.ts'
import { jwksEndpoint } from './jwks.ts'
import { createKeys } from './keys.ts'
import { type Limit, limitBody, createLimits } from './limits.ts'
import { createAccessTokens } from './oauth/access-tokens.ts'
import { createClientAssertion } from './oauth/client-assertion.ts'
import { clientCredentialsGrant } from './oauth/client-credentials.ts'
import { type Client, createClientAuthentication } from './oauth/clients.ts'
import type { ConsentChoice } from './oauth/consent.ts'
import { metadataEndpoint } from './oauth/metadata.ts'
import { type Organizations, createOrganizations } from './oauth/organizations.ts'
import { identityScopes } from './oauth/scopes.ts'
import { type DeviceDecision, createSignInEndpoints } from './oauth/sign-in-endpoints.ts'
import { tokenEndpoint } from './oauth/token.ts'
import { tokenInfoEndpoint, deleteTokenEndpoint } from './oauth/tokens-me.ts'
import type { User } from './oauth/users.ts'
import { type SandboxOptions, type Settings, readSettings } from './options.ts'
import { type Randomness, createRandomness } from './random.ts'
import { createDeliveries, type Delivery, webhookSecret } from './receivers/deliveries.ts'
import { webhookEndpoint } from './receivers/receive.ts'

/** A running local Genesys. */
export interface Sandbox {
  /** Base URL of everything, without a slash at the end. */
  readonly url: string
  /** Environment variables that point a client at this sandbox, secrets included. */
  readonly env: Readonly<Record<string, string>>
  /** Opens the control routes from other machines, in the header `x-sandbox-token`. */
  readonly controlToken: string
  /** A client without a secret. */
  readonly publicClientId: string
  /** Who can sign in. */
  readonly users: readonly User[]
  /** A channel that guests can come through. */
  readonly channelId: string
  /** The requests so far, oldest first, as far as they are kept. */
  journal(): JournalEntry[]
  /** Adds faults to the script; an empty list clears it. Throws a TypeError that names what is not valid. */
  script(faults: readonly Fault[]): void
  /** Moves the sandbox's clock, in milliseconds; negative moves it back. Throws a RangeError beyond a hundred years. */
  advance(ms: number): void
  /** Puts the sandbox's clock this many milliseconds ahead of its source. */
  setClock(offsetMs: number): void
  /** Signs with a new key from now on; `drop` removes the old ones from the published set. Returns the new key's id. */
  rollKeys(options?: { readonly drop?: boolean | undefined }): Promise<string>
  /** New limits, each access token with a clean slate. Throws a TypeError for a limit that is not valid. */
  setLimits(limit: Limit): void
  /** Whether sign-ins are decided at once, and how. Throws a TypeError for a choice that is not valid. */
  consent(choice: ConsentChoice): void
  /** Decides for a device that waits. Throws a TypeError when none shows this code. */
  device(decision: DeviceDecision): void
  /** Adds a channel, or changes the one of this id. Throws a TypeError for one that is not valid. */
  channel(channel: ChannelOptions): void
  /** Ends the session of an authenticated guest: it cannot be refreshed, and its address is free. Throws a TypeError when none lives. */
  endGuest(guestId: string): void
  /** The webhooks that came to `/webhooks/{name}` so far, or those of one name, oldest first. */
  deliveries(name?: string): Delivery[]
  clearDeliveries(name?: string): void
  /** What webhooks are signed with from now on. Throws a TypeError for a list that is not valid. */
  webhookSecrets(secrets: readonly string[]): void
  /** Ends every connection and stops listening. May be called again. */
  close(): Promise<void>
}

/**
 * Starts a sandbox. Rejects with a TypeError for invalid options, and with the platform's own error when the address
 * cannot be had (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`).
 */
export async function sandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const chosen = readSettings(options)
  const random = createRandomness(chosen.seed)
  const time = createClock(chosen.now)
  const limit = createLimits(chosen.rateLimit, time.now)
  const signing = await createKeys(chosen.algorithm)
  const organization = createOrganizations(random)
  const registered = clients(chosen, random, organization)
  let url = ''
  const issuer = () => url

  const shared = { issuer, clock: time, keys: signing, random }
  const tokens = createAccessTokens({
    ...shared,
    format: chosen.accessTokenFormat,
    lifetime: chosen.accessTokenSeconds,
    limits: limit,
  })
  const admit = createAccess(tokens, limit)
  const sign = createGuestJwt({ ...shared, scopeFormat: chosen.guestScopeFormat })
  const known = createGuests({ clock: time, sign })
  const authenticate = createClientAuthentication(
    registered.all,
    createClientAssertion({ clients: registered.all, issuer, clock: time }),
  )
  const people = createSignInEndpoints({
    ...shared,
    settings: chosen,
    clients: registered.all,
    authenticate,
    access: admit,
    tokens,
  })
  const guestly = createGuestEndpoints({ ...shared, settings: chosen, organization, access: admit, sign })
  const received = createDeliveries(chosen.webhookSecrets ?? [webhookSecret(random)], time.now)
  const grants = [clientCredentialsGrant(tokens), ...people.grants]
  const endpoints: readonly Endpoint[] = [
    tokenEndpoint({ grants, authenticate }),
    metadataEndpoint({
      issuer,
      grantTypes: grants.map(({ type }) => type),
      scopes: [...new Set([...chosen.scopes, ...identityScopes])],
      algorithm: signing.algorithm,
    }),
    ...people.endpoints,
    tokenInfoEndpoint(admit),
    deleteTokenEndpoint(admit, tokens),
    jwksEndpoint(signing),
    generateTokenEndpoint(admit, known),
    refreshTokenEndpoint({ access: admit, guests: known, idempotency: createIdempotencyKeys(time.now), now: time.now }),
    ...guestly.endpoints,
    profilesEndpoint(),
    webhookEndpoint(received),
  ]

  const script = createFaults(endpoints.map(({ operation }) => operation))
  const addFaults = (added: readonly Fault[]) => checked('The faults are', () => script.script(added))
  addFaults(chosen.faults)
  const record = createJournal(chosen.journalSize, time.now)
  const controlToken = chosen.controlToken ?? random.text(24)
  const { host, port, allowedHosts } = chosen
  const parts = {
    clock: time,
    random,
    journal: record,
    faults: script,
    keys: signing,
    limits: limit,
    decisions: people,
    guestDecisions: guestly,
    deliveries: received,
  }
  const server = createServer({ ...parts, endpoints, host, allowedHosts, controlToken })
  await server.listen({ host, port })
  url = baseUrl(host, server.server.address() as AddressInfo)

  return {
    url,
    env: environmentVariables({
      url,
      client: registered.main,
      publicClientId: registered.publicId,
      webhookSecrets: received.secrets(),
    }),
    controlToken,
    publicClientId: registered.publicId,
    users: people.users,
    channelId: guestly.channelId,
    journal: record.entries,
    script: addFaults,
    advance: time.advance,
    setClock: time.setOffset,
    rollKeys: signing.roll,
    setLimits: (next) => checked('The limit is', () => limit.set(limitBody.parse(next))),
    consent: (choice) => checked('The choice is', () => people.consent.set(choice)),
    device: (decision) => checked('The decision is', () => people.device(decision)),
    channel: (channel) => checked('The channel is', () => guestly.channel(channel)),
    endGuest: (guestId) => checked('The guest is', () => guestly.endGuest({ guestId, end: true })),
    deliveries: received.all,
    clearDeliveries: received.clear,
    webhookSecrets: (secrets) => checked('The secrets are', () => received.setSecrets(secrets)),
    close: async () => server.close(),
  }
}

function clients(chosen: Settings, random: Randomness, organization: Organizations) {
  const { scopes, redirectUris } = chosen
  const own = { organization: organization(chosen.organization), scopes, redirectUris, loopbackRedirects: true }
  const main = {
    ...own,
    id: chosen.clientId ?? random.uuid(),
    secret: chosen.clientSecret ?? random.text(32),
  }
  const open: Client = { ...own, id: chosen.publicClientId ?? random.uuid() }
  const further = chosen.clients.map(
    ({ id, secret, keys, organization: name = chosen.organization, scopes = chosen.scopes, redirectUris }): Client => ({
      id,
      secret,
      keys,
      organization: organization(name),
      scopes,
      redirectUris: redirectUris ?? [],
      loopbackRedirects: redirectUris === undefined,
    }),
  )
  return { main, publicId: open.id, all: [main, open, ...further] }
}

/** Runs what a schema guards, and words what it finds for callers in code. */
function checked(what: string, run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof ZodError)) throw error
    const issues = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new TypeError(`${what} not valid: ${issues.join('; ')}`, { cause: error })
  }
}

/** Where clients on this machine reach the server, also when it listens on every address. */
function baseUrl(host: string, { port }: AddressInfo): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
