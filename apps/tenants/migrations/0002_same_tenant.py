"""Let the database refuse a reference that leaves its organization or project.

Django has no composite foreign keys, and row-level security does not help here:
PostgreSQL checks references with security policies switched off.
"""

from django.db import migrations

ADD = """
ALTER TABLE tenants_membership ADD CONSTRAINT membership_same_organization_project
    FOREIGN KEY (organization_id, project_id)
    REFERENCES tenants_project (organization_id, id);
ALTER TABLE tenants_apikey ADD CONSTRAINT key_same_project_predecessor
    FOREIGN KEY (project_id, rotated_from_id)
    REFERENCES tenants_apikey (project_id, id);
"""
DROP = """
ALTER TABLE tenants_apikey DROP CONSTRAINT key_same_project_predecessor;
ALTER TABLE tenants_membership DROP CONSTRAINT membership_same_organization_project;
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [migrations.RunSQL(ADD, reverse_sql=DROP)]
