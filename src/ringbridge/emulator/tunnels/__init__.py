"""Stand-ins for the tunnels that lend this machine a public name: an ngrok agent and cloudflared."""
