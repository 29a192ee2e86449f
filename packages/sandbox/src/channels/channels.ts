import { z } from 'zod'
import type { Organization } from '../oauth/clients.ts'
import type { Organizations } from '../oauth/organizations.ts'

/** A messaging channel that guests come through. */
export interface Channel {
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  readonly organization: Organization
}

/** A channel that is added, or changed when its id is known. */
export interface ChannelOptions {
  readonly id: string
  /** Default true. */
  readonly enabled?: boolean | undefined
  /** The name of its organization; default the sandbox's own. */
  readonly organization?: string | undefined
}

/** ChannelOptions that come from outside. */
export const channelBody = z.strictObject({
  id: z.string().min(1).max(200),
  enabled: z.boolean().default(true),
  organization: z.string().min(1).optional(),
})

/** What a channel is to an organization. */
export type ChannelStatus = 'usable' | 'unknown' | 'disabled' | 'foreign'

export interface Channels {
  readonly all: () => Channel[]
  find(id: string): Channel | undefined
  readonly put: (channel: z.infer<typeof channelBody>) => Channel
  status(id: string, organization: Organization): ChannelStatus
}

/** `anyId`: a channel is there as soon as somebody names it, so that nothing has to be set up to try one. */
export function createChannels(organization: Organizations, own: string, anyId: boolean): Channels {
  const known = new Map<string, Channel>()
  const put: Channels['put'] = ({ id, enabled, organization: name = known.get(id)?.organization.name ?? own }) => {
    const channel = {
      id,
      name: `Web messaging ${known.size + 1}`,
      ...known.get(id),
      enabled,
      organization: organization(name),
    }
    known.set(id, channel)
    return channel
  }
  const find = (id: string): Channel | undefined => known.get(id) ?? (anyId ? put({ id, enabled: true }) : undefined)
  return {
    all: () => [...known.values()],
    find,
    put,
    status: (id, { id: asking }) => {
      const channel = find(id)
      if (channel === undefined) return 'unknown'
      if (channel.organization.id !== asking) return 'foreign'
      return channel.enabled ? 'usable' : 'disabled'
    },
  }
}
