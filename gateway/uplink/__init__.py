"""The MQTT link to the CRM."""
