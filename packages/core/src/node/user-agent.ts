import manifest from '../../package.json' with { type: 'json' }

/** The `User-Agent` of every request (RFC 9110, section 10.1.5). Gateways refuse requests without one. */
export const USER_AGENT = `guestpass/${manifest.version}`
