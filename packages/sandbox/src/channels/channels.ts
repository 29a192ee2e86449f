import { z } from 'zod'
import type { Organization } from '../oauth/clients.ts'
import type { Organizations } from '../oauth/organizations.ts'

/** A messaging channel of an organization, through which guests connect. */
interface Channel {
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  readonly organization: Organization
}

/** A channel to add, or to change if a channel of this id exists. */
export interface ChannelOptions {
  /** 1 to 200 characters. */
  readonly id: string
  /** Whether guests can connect through it. Default true. */
  readonly enabled?: boolean | undefined
  /** The name of its organization. Default: unchanged, or the sandbox's own for a new channel. */
  readonly organization?: string | undefined
}

/** A channel from options or a control route. */
export const channelBody = z.strictObject({
  id: z.string().min(1).max(200),
  enabled: z.boolean().default(true),
  organization: z.string().min(1).optional(),
})

/** Whether an organization can use a channel; if not, why. */
export type ChannelStatus = 'usable' | 'unknown' | 'disabled' | 'foreign'

export interface Channels {
  readonly all: () => Channel[]
  find(id: string): Channel | undefined
  readonly put: (channel: z.infer<typeof channelBody>) => Channel
  status(id: string, organization: Organization): ChannelStatus
}

/** `anyId`: any channel exists as soon as a request names it, so that a first try needs no configuration. */
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
    status: (id, { id: organizationId }) => {
      const channel = find(id)
      if (channel === undefined) return 'unknown'
      if (channel.organization.id !== organizationId) return 'foreign'
      return channel.enabled ? 'usable' : 'disabled'
    },
  }
}
