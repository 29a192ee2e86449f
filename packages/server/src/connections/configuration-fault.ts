import { asGuestpassError } from '@guestpass/core/store-kit'
import { settingName, settingNamesIn } from '@guestpass/runtime'

/** What an error says, with its fields, and with settings named as the operator writes them. */
export function configurationFault(thrown: unknown): string {
  const { message, fields = [] } = asGuestpassError(thrown)
  const faults = fields.map((one) => `${one.field} ${one.message}. ${one.remedy}`)
  return settingNamesIn([message, ...faults].join(' '), (key) => settingName(key, 'default'))
}
