import type { Access } from '../access.ts'
import type { Endpoint } from '../endpoint.ts'
import { apiRefusal, type Refusal } from '../refusal.ts'
import type { Channels, ChannelStatus } from './channels.ts'

const path = '/api/v2/journey/actions/channels'

/**
 * `GET /api/v2/journey/actions/channels/{channelId}`: 200 if guests can connect through the channel, else 404
 * or 403.
 */
export function channelEndpoint(access: Access, channels: Channels): Endpoint {
  return {
    operation: 'channel',
    method: 'GET',
    paths: [`${path}/:channelId`],
    dialect: 'api',
    answer: (call) => {
      const { organization } = access(call, 'guest:read').token.client
      const id = call.params['channelId'] ?? ''
      const status = channels.status(id, organization)
      const found = channels.find(id)
      if (status === 'unknown' || found === undefined) {
        throw apiRefusal({ status: 404, code: 'not.found', message: 'No channel has this id.' })
      }
      if (status !== 'usable') throw channelRefusal(status, id)
      const { name, enabled } = found
      return {
        status: 200,
        json: { id, name, enabled, provisioned: true, selfUri: `${path}/${encodeURIComponent(id)}` },
      }
    },
  }
}

const reasons: Readonly<Record<Exclude<ChannelStatus, 'usable'>, readonly [code: string, message: string]>> = {
  unknown: ['channel.not.provisioned', 'The channel is not provisioned.'],
  disabled: ['channel.disabled', 'The channel is disabled.'],
  foreign: ['not.authorized', 'The channel belongs to another organization.'],
}

/** The 403 for a channel that cannot be used. Its code names the cause. */
export function channelRefusal(status: keyof typeof reasons, channelId: string): Refusal {
  const [code, message] = reasons[status]
  return apiRefusal({ status: 403, code, message, messageParams: { channelId } })
}
