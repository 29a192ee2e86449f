import { type Millis, MINUTE } from '../../domain/time.ts'
import { asGuestpassError, causedBy, GuestpassError } from '../../domain/errors.ts'
import { createKeyedStates } from '../../policy/keyed-states.ts'
import type { Clock } from '../../ports/clock.ts'
import { createExpiringValue } from '../../tokens/renewal/expiring-value.ts'

/**
 * When the upstream is asked whether a channel can take guests. `before`: before a guest is created on it,
 * at most every 10 min. `on-403`: only to explain a 403. `off`: never, for clients that may not read channels.
 */
export type Preflight = 'before' | 'on-403' | 'off'

/**
 * What is known of a channel before a create. `unknown`: it could not be read now. `off`: it was not read.
 */
export type ChannelStatus = 'usable' | 'unknown' | 'off'

interface ChannelPreflight {
  /**
   * Checks a channel before a create. Rejects with `channel_unavailable`; `reason` is `channel`, `scope` or
   * `organisation`.
   */
  check(channelId: string): Promise<ChannelStatus>
  /** Gives `channel_unavailable` if the channel is why a create was refused, else the error as it is. */
  explain(error: GuestpassError, channelId: string): Promise<GuestpassError>
}

/** How long a channel that was usable is not read again. */
const REMEMBERED: Millis = 10 * MINUTE

export function createChannelPreflight(
  {
    connection,
    mode,
    readChannel,
  }: {
    readonly connection: string
    readonly mode: Preflight
    readonly readChannel: (channelId: string) => Promise<void>
  },
  { clock }: { readonly clock: Clock },
): ChannelPreflight {
  const known = createKeyedStates(
    () => ({ usable: createExpiringValue<true>(clock), flight: undefined as Promise<ChannelStatus> | undefined }),
    { isBusy: ({ flight }) => flight !== undefined },
  )

  async function channelStatus(channelId: string): Promise<ChannelStatus> {
    const state = known(connection, channelId)
    if (state.usable.get()) return 'usable'
    state.flight ??= readChannel(channelId)
      .then(
        (): ChannelStatus => {
          state.usable.set(true, REMEMBERED)
          return 'usable'
        },
        (thrown: unknown): ChannelStatus => {
          const cause = unavailable(asGuestpassError(thrown), channelId)
          if (cause) throw cause
          return 'unknown'
        },
      )
      .finally(() => {
        state.flight = undefined
      })
    return state.flight
  }

  return {
    async check(channelId) {
      return mode === 'before' ? channelStatus(channelId) : 'off'
    },
    async explain(error, channelId) {
      if (error.upstream?.status !== 403 || mode === 'off') return error
      const own = unavailable(error, channelId)
      if (own?.reason === 'scope') return own
      known(connection, channelId).usable.clear()
      return channelStatus(channelId).then(
        () => own ?? error,
        (thrown: unknown) => asGuestpassError(thrown),
      )
    },
  }
}

type Cause = 'channel' | 'scope' | 'organisation'

const remedies: Readonly<Record<Cause, string>> = {
  channel: 'The channel is the cause: check its id, and that it is provisioned and enabled.',
  scope:
    'The scope is the cause: the access token lacks one. Add it to the OAuth client, and to `scopes` if that is set.',
  organisation:
    'The organisation is the cause: the channel may belong to another one, or the OAuth client may lack a role.',
}

/** Maps a refusal to `channel_unavailable`. Undefined for transient errors. */
function unavailable(error: GuestpassError, channelId: string): GuestpassError | undefined {
  const { code, upstream, message } = error
  const cause = causeOf(code, upstream?.status, upstream?.code ?? '')
  if (!cause) return undefined
  return new GuestpassError(
    'channel_unavailable',
    `Channel ${channelId} cannot be used. ${causeText(cause, message)} ${message}`,
    { reason: cause, ...causedBy(error) },
  )
}

/** The remedy of a cause. Most messages about a scope have it already. */
const causeText = (cause: Cause, message: string): string =>
  cause === 'scope' && message.includes('Add it to the OAuth client') ? 'The scope is the cause.' : remedies[cause]

function causeOf(code: string, status: number | undefined, upstreamCode: string): Cause | undefined {
  if (code === 'scope_missing') return 'scope'
  if (status === 404) return 'channel'
  if (status !== 403) return undefined
  if (/scope/i.test(upstreamCode)) return 'scope'
  return /channel|disabled|provision/i.test(upstreamCode) ? 'channel' : 'organisation'
}
