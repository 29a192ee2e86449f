import { createAccess } from './access.ts'
import { type Clock, createClock } from './clock.ts'
import type { Endpoint } from './endpoint.ts'
import { profilesEndpoint } from './crm/profiles.ts'
import { createFaults, type Faults } from './faults.ts'
import { createGuestEndpoints, type GuestEndpoints } from './guest-endpoints.ts'
import { createGuestJwt } from './guest-jwt.ts'
import { generateTokenEndpoint } from './guest-tokens/generate-token.ts'
import { createGuests, type Guests } from './guest-tokens/guests.ts'
import { createIdempotencyKeys } from './guest-tokens/idempotency.ts'
import { refreshTokenEndpoint } from './guest-tokens/refresh.ts'
import { createJournal, type Journal } from './journal.ts'
import { jwksEndpoint } from './jwks.ts'
import { createKeys, type Keys } from './keys.ts'
import { addGuests, listGuests, type SandboxGuest } from './known-guests.ts'
import { createLimits, type Limits } from './limits.ts'
import { type AccessTokens, createAccessTokens } from './oauth/access-tokens.ts'
import { createClientAssertion } from './oauth/client-assertion.ts'
import { clientCredentialsGrant } from './oauth/client-credentials.ts'
import { type Client, createClientAuthentication } from './oauth/clients.ts'
import { metadataEndpoint } from './oauth/metadata.ts'
import { createOrganizations, type Organizations } from './oauth/organizations.ts'
import { identityScopes } from './oauth/scopes.ts'
import { createSignInEndpoints, type SignInEndpoints } from './oauth/sign-in-endpoints.ts'
import { tokenEndpoint } from './oauth/token.ts'
import { deleteTokenEndpoint, tokenInfoEndpoint } from './oauth/tokens-me.ts'
import type { Settings } from './options.ts'
import { createRunRandomness, type Randomness } from './random.ts'
import { createDeliveries, type Deliveries, webhookSecret } from './receivers/deliveries.ts'
import { webhookEndpoint } from './receivers/receive.ts'

/** The parts of a sandbox, without the HTTP server. */
export interface SandboxParts {
  readonly clock: Clock
  readonly random: Randomness
  readonly keys: Keys
  readonly limits: Limits
  readonly clients: RegisteredClients
  readonly decisions: SignInEndpoints
  readonly guestDecisions: GuestEndpoints
  readonly deliveries: Deliveries
  readonly endpoints: readonly Endpoint[]
  readonly faults: Faults
  readonly journal: Journal
  readonly controlToken: string
  readonly knownGuests: () => SandboxGuest[]
  /** Makes the guests of the option `guests`. */
  readonly addExistingGuests: () => Promise<void>
}

type RegisteredClients = ReturnType<typeof registeredClients>

/** The parts that all endpoints use. */
interface SharedParts {
  readonly issuer: () => string
  readonly clock: Clock
  readonly keys: Keys
  readonly random: Randomness
  readonly limits: Limits
}

/**
 * Gives a function that makes the parts of a sandbox as they are at its start. Each call makes the same
 * clients, users and channel, and resets the keys. With a seed, ids and secrets depend on the order of the
 * calls below.
 *
 * @param issuer the base URL of the sandbox, known once it listens
 */
export async function sandboxPartsMaker(settings: Settings, issuer: () => string): Promise<() => SandboxParts> {
  const newRandomness = createRunRandomness(settings.seed)
  const keys = await createKeys(settings.algorithm)
  return () => {
    keys.reset()
    const { random, started } = newRandomness()
    const clock = createClock(settings.now)
    const limits = createLimits(settings.rateLimit, clock.now)
    const organization = createOrganizations(random)
    const clients = registeredClients(settings, random, organization)
    const shared = { issuer, clock, keys, random, limits }
    const { guests, ...served } = servedParts(shared, settings, clients, organization)
    const { guestDecisions } = served
    const lists = { clock, guests, ...guestDecisions }
    const controlToken = settings.controlToken ?? random.secret(24)
    started()
    return {
      ...shared,
      ...served,
      clients,
      controlToken,
      faults: createFaults(served.endpoints.map(({ operation }) => operation)),
      journal: createJournal(settings.journalSize, clock.now),
      knownGuests: () => listGuests(lists),
      addExistingGuests: () => addGuests(lists, { ...clients.main, ...guestDecisions, random, given: settings.guests }),
    }
  }
}

/** The endpoints, and the parts that tests and control routes control. */
function servedParts(
  shared: SharedParts,
  settings: Settings,
  clients: RegisteredClients,
  organization: Organizations,
): Pick<SandboxParts, 'decisions' | 'guestDecisions' | 'deliveries' | 'endpoints'> & { readonly guests: Guests } {
  const { issuer, clock, keys, random, limits } = shared
  const { accessTokenFormat: format, accessTokenSeconds: lifetime } = settings
  const tokens = createAccessTokens({ ...shared, format, lifetime })
  const access = createAccess(tokens, limits)
  const sign = createGuestJwt({ ...shared, scopeFormat: settings.guestScopeFormat })
  const guests = createGuests({ clock, sign })
  const assertion = createClientAssertion({ clients: clients.all, issuer, clock })
  const authenticate = createClientAuthentication(clients.all, assertion)
  const signIn = createSignInEndpoints({ ...shared, settings, clients: clients.all, authenticate, access, tokens })
  const guestEndpoints = createGuestEndpoints({ ...shared, settings, organization, access, sign })
  const deliveries = createDeliveries(settings.webhookSecrets ?? [webhookSecret(random)], clock.now)
  const idempotencyKeys = createIdempotencyKeys(clock.now)
  return {
    decisions: signIn,
    guestDecisions: guestEndpoints,
    deliveries,
    guests,
    endpoints: [
      ...tokenEndpoints(shared, settings, signIn, tokens, authenticate),
      ...signIn.endpoints,
      tokenInfoEndpoint(access),
      deleteTokenEndpoint(access, tokens),
      jwksEndpoint(keys),
      generateTokenEndpoint(access, guests),
      refreshTokenEndpoint({ access, guests, idempotencyKeys, now: clock.now }),
      ...guestEndpoints.endpoints,
      profilesEndpoint(),
      webhookEndpoint(deliveries),
    ],
  }
}

/** The token endpoint with all grants, and the metadata that lists them. */
function tokenEndpoints(
  { issuer, keys }: SharedParts,
  { scopes }: Settings,
  signIn: SignInEndpoints,
  tokens: AccessTokens,
  authenticate: ReturnType<typeof createClientAuthentication>,
): readonly Endpoint[] {
  const grants = [clientCredentialsGrant(tokens), ...signIn.grants]
  return [
    tokenEndpoint({ grants, authenticate }),
    metadataEndpoint({
      issuer,
      grantTypes: grants.map(({ type }) => type),
      scopes: [...new Set([...scopes, ...identityScopes])],
      algorithm: keys.algorithm,
    }),
  ]
}

/** The registered clients: one with a secret, one without, and those of the options. */
function registeredClients(settings: Settings, random: Randomness, organization: Organizations) {
  const { scopes, redirectUris } = settings
  const own = { organization: organization(settings.organization), scopes, redirectUris, loopbackRedirects: true }
  const main = {
    ...own,
    id: settings.clientId ?? random.uuid(),
    secret: settings.clientSecret ?? random.secret(32),
  }
  const publicClient: Client = { ...own, id: settings.publicClientId ?? random.uuid() }
  const further = settings.clients.map(
    (client): Client => ({
      id: client.id,
      secret: client.secret,
      keys: client.keys,
      organization: organization(client.organization ?? settings.organization),
      scopes: client.scopes ?? scopes,
      redirectUris: client.redirectUris ?? [],
      loopbackRedirects: client.redirectUris === undefined,
    }),
  )
  return { main, publicId: publicClient.id, all: [main, publicClient, ...further] }
}
