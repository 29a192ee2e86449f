import manifest from '../../package.json' with { type: 'json' }

/** What every request says of its sender (RFC 9110, 10.1.5): gateways refuse requests that do not say it. */
export const USER_AGENT = `guestpass/${manifest.version}`
